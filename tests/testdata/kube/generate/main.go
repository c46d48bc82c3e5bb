// Writes the truths of ../*.json with Kubernetes' own libraries. See ../PROVENANCE.md.
package main

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"reflect"
	"strings"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	pathvalidation "k8s.io/apimachinery/pkg/api/validation/path"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	kjson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apimachinery/pkg/util/validation"
)

type J = map[string]any

func write(name string, v any) {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		panic(err)
	}
	if err := os.WriteFile(name, append(b, '\n'), 0o644); err != nil {
		panic(err)
	}
}

func raw(s string) json.RawMessage { return json.RawMessage(s) }

// ---- label selectors

var sets = []labels.Set{
	{}, {"a": "b"}, {"a": ""}, {"a": "c", "x": "y"}, {"app": "web", "tier": "db"}, {"n": "5"}, {"n": "x"},
	{"in": "in", "notin": "in"}, {"example.com/role": "r"},
}

func selectors() {
	texts := []string{
		"", " ", "a", "!a", "a=b", "a==b", "a!=b", "a = b", "a in (b,c)", "a in (c,b,b)", "a notin (b)", "a in ()", "a in (,)",
		"a in (,b)", "a in (b,)", "a in (b,,c)", "a=", "a!=", "x,!y", "x=y,a in (b)", "b=1,a=2", "n>4", "n<6", "n>x", "n>", "in=in",
		"in in (in)", "notin notin (notin)", "in", "example.com/role=r", "app=web,tier notin (cache, db)",
		"a b", "a=b=c", "a,", ",a", "a,,b", "a=b c", "a in b", "a in (b", "a in", "a notin", "=b", "(a)", "a()", "a=(b)", "!", "!!a", "!a=b",
		"-a=b", "a=-b", "a/b/c=d", "/a=b", "a/=b", "A_b.c=D", "a=b!", "a>5,a<7", "a in (b) c", "a~b", "ä=b", "a=ö",
		"a=" + strings.Repeat("x", 64), strings.Repeat("k", 64) + "=x", "UPPER.com/x=1", "a in (b,=)", "a in (b c)", "a>1.5", "a==", "a in (!)",
		"x in (foo,,baz),y,z notin ()", "\ta\n=\rb", "a===b", "a=!b", "a><b", "a!b",
	}
	var out []J
	for _, t := range texts {
		row := J{"text": t}
		s, err := labels.Parse(t)
		if err != nil {
			row["error"] = err.Error()
		} else {
			row["canonical"] = s.String()
			var m []bool
			for _, set := range sets {
				m = append(m, s.Matches(set))
			}
			row["matches"] = m
		}
		if st, err := metav1.ParseToLabelSelector(t); err != nil {
			row["structError"] = err.Error()
		} else {
			row["struct"] = st
			row["formatted"] = metav1.FormatLabelSelector(st)
		}
		out = append(out, row)
	}
	var structs []J
	for _, t := range []string{
		`null`, `{}`, `{"matchLabels":{"a":"b"}}`, `{"matchLabels":{"b":"1","a":"2"},"matchExpressions":[{"key":"c","operator":"Exists"}]}`,
		`{"matchExpressions":[{"key":"c","operator":"In","values":["z","y"]}]}`, `{"matchExpressions":[{"key":"c","operator":"In"}]}`,
		`{"matchExpressions":[{"key":"c","operator":"NotIn","values":[]}]}`, `{"matchExpressions":[{"key":"c","operator":"Exists","values":["a","b"]}]}`,
		`{"matchExpressions":[{"key":"c","operator":"Sometimes"}]}`, `{"matchExpressions":[{"key":"c d","operator":"Exists","values":["x"]}]}`,
		`{"matchLabels":{"a":"b c"}}`, `{"matchLabels":{"a b":"b c"}}`, `{"matchExpressions":[{"key":"a","operator":"DoesNotExist"}]}`,
		`{"matchExpressions":[{"key":"a","operator":"In","values":["-x","y","-x"]}]}`,
	} {
		var ls *metav1.LabelSelector
		if err := json.Unmarshal([]byte(t), &ls); err != nil {
			panic(err)
		}
		row := J{"selector": raw(t), "formatted": metav1.FormatLabelSelector(ls)}
		s, err := metav1.LabelSelectorAsSelector(ls)
		if err != nil {
			row["error"] = err.Error()
		} else {
			row["canonical"] = s.String()
			var m []bool
			for _, set := range sets {
				m = append(m, s.Matches(set))
			}
			row["matches"] = m
		}
		structs = append(structs, row)
	}
	var fs []J
	for _, t := range []string{
		"", "a=b", "a==b", "a!=b", "metadata.name=x,status.phase!=Running", "b=1,a=2", "a", "a=b,c", `a=b\,c`, `a=\\`, `a=\=`, `a=\x`, `a=b\`, "a=b=c",
		"=b", "a=", ",a=b,", "a!b", "a!==b", "a=b,a=c",
	} {
		row := J{"text": t}
		s, err := fields.ParseSelector(t)
		if err != nil {
			row["error"] = err.Error()
		} else {
			row["canonical"] = s.String()
			row["empty"] = s.Empty()
		}
		fs = append(fs, row)
	}
	write("selectors.json", J{"sets": sets, "texts": out, "structs": structs, "fields": fs})
}

// ---- names

func names() {
	values := []string{
		"", "a", "abc-1", "1a", "-a", "a-", "A", "a.b", "a..b", ".a", "a.", "a_b", "a/b", "/b", "a/", "a/b/c", "Example.com/x", "example.com/X_y.z", "a b",
		".", "..", "..a", "a%b", "*.example.com", "*", "*.a.*", "http", "8080", "a--b", strings.Repeat("a", 63), strings.Repeat("a", 64), strings.Repeat("a", 253),
		strings.Repeat("a", 254), "my.env-name", "1ENV", "ü", "toolongportname1", "a\n",
	}
	checks := []struct {
		name string
		f    func(string) []string
	}{
		{"dns1123Label", validation.IsDNS1123Label}, {"dns1123Subdomain", validation.IsDNS1123Subdomain}, {"dns1035Label", validation.IsDNS1035Label},
		{"wildcard", validation.IsWildcardDNS1123Subdomain}, {"qualifiedName", validation.IsQualifiedName}, {"labelValue", validation.IsValidLabelValue},
		{"configMapKey", validation.IsConfigMapKey}, {"envVarName", validation.IsEnvVarName}, {"pathSegment", pathvalidation.IsValidPathSegmentName},
		{"portName", validation.IsValidPortName},
	}
	var rows []J
	for _, c := range checks {
		for _, v := range values {
			p := c.f(v)
			if p == nil {
				p = []string{}
			}
			rows = append(rows, J{"check": c.name, "value": v, "problems": p})
		}
	}
	write("names.json", rows)
}

// ---- JSON patch and merge patch

func jsonPatches() {
	docs := []string{
		`{"a":1,"b":{"c":[1,2,3]},"d":null,"e":"x","x/y":1,"m~n":2}`, `{}`, `{"metadata":{"name":"n","annotations":{"k":"v"}},"spec":{"replicas":1,"list":[{"a":1},{"b":2}]}}`,
	}
	patches := []string{
		`[]`, `[{"op":"add","path":"/z","value":1}]`, `[{"op":"add","path":"/b/c/0","value":0}]`, `[{"op":"add","path":"/b/c/3","value":9}]`, `[{"op":"add","path":"/b/c/4","value":9}]`,
		`[{"op":"add","path":"/b/c/-","value":9}]`, `[{"op":"add","path":"/b/c/-1","value":9}]`, `[{"op":"add","path":"/b/c/-5","value":9}]`, `[{"op":"add","path":"/b/c/x","value":9}]`,
		`[{"op":"add","path":"/q/r","value":1}]`, `[{"op":"add","path":"/a/r","value":1}]`, `[{"op":"add","path":"/d/r","value":1}]`, `[{"op":"add","path":"z","value":1}]`,
		`[{"op":"remove","path":"/a"}]`, `[{"op":"remove","path":"/zz"}]`, `[{"op":"remove","path":"/b/c/1"}]`, `[{"op":"remove","path":"/b/c/-1"}]`, `[{"op":"remove","path":"/b/c/7"}]`, `[{"op":"remove","path":"/b/c/-7"}]`,
		`[{"op":"remove","path":"/b/x/1"}]`, `[{"op":"remove","path":"/d"}]`, `[{"op":"replace","path":"/a","value":2}]`, `[{"op":"replace","path":"/nope","value":2}]`, `[{"op":"replace","path":"/b/c/1","value":{"k":1}}]`,
		`[{"op":"replace","path":"/b/c/9","value":1}]`, `[{"op":"replace","path":"","value":{"all":"new"}}]`, `[{"op":"replace","path":"/d","value":7}]`, `[{"op":"replace","path":"/q/r","value":7}]`,
		`[{"op":"move","from":"/a","path":"/b/moved"}]`, `[{"op":"move","from":"/b/c/0","path":"/b/c/2"}]`, `[{"op":"move","from":"/nope","path":"/x"}]`, `[{"op":"move","from":"/q/nope","path":"/x"}]`, `[{"op":"move","from":"/a","path":"/q/x"}]`,
		`[{"op":"copy","from":"/b","path":"/copied"}]`, `[{"op":"copy","from":"/b/c/1","path":"/b/c/-"}]`, `[{"op":"copy","from":"/q/x","path":"/y"}]`, `[{"op":"copy","from":"/b/c/8","path":"/y"}]`,
		`[{"op":"test","path":"/a","value":1}]`, `[{"op":"test","path":"/a","value":2}]`, `[{"op":"test","path":"/b","value":{"c":[1,2,3]}}]`, `[{"op":"test","path":"/b","value":{"c":[1,2]}}]`, `[{"op":"test","path":"/d","value":null}]`,
		`[{"op":"test","path":"/nope","value":null}]`, `[{"op":"test","path":"/nope","value":1}]`, `[{"op":"test","path":"/b/c/1","value":2}]`, `[{"op":"test","path":"/e","value":"x"}]`, `[{"op":"test","path":"/e","value":"y"}]`,
		`[{"op":"test","path":"","value":{}}]`, `[{"op":"test","path":"/x~1y","value":1}]`, `[{"op":"remove","path":"/x~1y"},{"op":"remove","path":"/m~0n"}]`, `[{"op":"frob","path":"/a"}]`, `[{"path":"/a"}]`, `[{"op":"add","value":1}]`,
		`[{"op":"add","path":"/metadata/annotations/k2","value":"v2"},{"op":"replace","path":"/spec/replicas","value":3}]`, `[{"op":"remove","path":"/spec/list/0"},{"op":"add","path":"/spec/list/0/c","value":3}]`,
		`[{"op":"add","path":"/metadata/labels/x","value":"y"}]`, `[{"op":"add","path":"/n","value":null}]`, `[{"op":"add","path":"/n"}]`, `[{"op":"add","path":"/","value":1}]`,
	}
	var out []J
	for _, d := range docs {
		for _, p := range patches {
			row := J{"doc": raw(d), "patch": raw(p)}
			func() {
				defer func() {
					if r := recover(); r != nil { // the library panics: no truth to be had
						row = nil
					}
				}()
				pp, err := jsonpatch.DecodePatch([]byte(p))
				if err != nil {
					row["decodeError"] = err.Error()
					return
				}
				res, err := pp.Apply([]byte(d))
				if err != nil {
					row["error"] = err.Error()
				} else {
					row["result"] = raw(string(res))
				}
			}()
			if row != nil {
				out = append(out, row)
			}
		}
	}
	write("json_patches.json", out)

	var merges []J
	mdocs := append(docs, `{"a":{"b":{"c":1,"d":2}},"l":[1,2]}`, `{"a":[1]}`, `{"a":null}`, `{"n":1.5,"s":"<>"}`)
	mpatches := append([]string{}, mdocs...)
	mpatches = append(mpatches, `{"a":null}`, `{"a":{"b":null}}`, `{"a":{"b":{"c":null,"e":{"f":null,"g":1}}}}`, `{"b":{"c":[9]}}`, `{"new":{"x":null,"y":{"z":null}}}`, `{"metadata":{"annotations":{"k":null,"j":"w"}}}`)
	for _, d := range mdocs {
		for _, p := range mpatches {
			row := J{"doc": raw(d), "patch": raw(p)}
			res, err := jsonpatch.MergePatch([]byte(d), []byte(p))
			if err != nil {
				panic(err)
			}
			row["result"] = raw(string(res))
			if diff, err := jsonpatch.CreateMergePatch([]byte(d), []byte(p)); err == nil {
				row["diff"] = raw(string(diff))
			}
			merges = append(merges, row)
		}
	}
	_ = jsonmergepatch.CreateThreeWayJSONMergePatch
	write("merge_patches.json", merges)
}

// ---- strategic merge patch

// The strategies of a type, by dotted path; items of lists add nothing to it.
func rules(t reflect.Type, path string, depth int, out J) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() == reflect.Map {
		return
	}
	if t.Kind() != reflect.Struct || depth > 9 {
		return
	}
	for i := 0; i < t.NumField(); i++ {
		f := t.Field(i)
		tag := strings.Split(f.Tag.Get("json"), ",")
		if f.Anonymous && tag[0] == "" {
			rules(f.Type, path, depth, out)
			continue
		}
		p := tag[0]
		if path != "" {
			p = path + "." + tag[0]
		}
		if s := f.Tag.Get("patchStrategy"); s != "" {
			out[p] = J{"strategy": s, "key": f.Tag.Get("patchMergeKey")}
		}
		rules(f.Type, p, depth+1, out)
	}
}

var kinds = map[string]any{"Pod": corev1.Pod{}, "Deployment": appsv1.Deployment{}, "Service": corev1.Service{}, "ServiceAccount": corev1.ServiceAccount{}}

func strategicCase(kind, target, patch string) J {
	row := J{"kind": kind, "target": raw(target), "patch": raw(patch)}
	var o, p map[string]any
	if err := kjson.Unmarshal([]byte(target), &o); err != nil {
		panic(err)
	}
	if err := kjson.Unmarshal([]byte(patch), &p); err != nil {
		panic(err)
	}
	res, err := strategicpatch.StrategicMergeMapPatch(o, p, kinds[kind])
	if err != nil {
		row["error"] = err.Error()
		return row
	}
	b, _ := json.Marshal(res)
	row["result"] = raw(string(b))
	return row
}

const pod = `{"metadata":{"name":"p","labels":{"a":"1","b":"2"},"finalizers":["f1","f2","f3"],"ownerReferences":[{"uid":"u1","name":"o1"},{"uid":"u2","name":"o2"}]},
"spec":{"containers":[{"name":"main","image":"i:1","env":[{"name":"A","value":"1"},{"name":"B","value":"2"}],"ports":[{"containerPort":80,"protocol":"TCP"},{"containerPort":443,"protocol":"TCP"}],"args":["x","y"],"volumeMounts":[{"mountPath":"/d","name":"data"}]},{"name":"side","image":"s:1"}],
"volumes":[{"name":"data","emptyDir":{}},{"name":"cfg","configMap":{"name":"c"}}],"tolerations":[{"key":"k","operator":"Exists"}],"nodeSelector":{"disk":"ssd"}}}`

func strategic() {
	patches := []string{
		`{}`, `{"metadata":{"labels":{"a":null,"c":"3"}}}`, `{"spec":{"containers":[{"name":"main","image":"i:2"}]}}`, `{"spec":{"containers":[{"name":"new","image":"n"}]}}`,
		`{"spec":{"containers":[{"name":"side","$patch":"delete"}]}}`, `{"spec":{"containers":[{"$patch":"replace"},{"name":"only","image":"o"}]}}`,
		`{"spec":{"containers":[{"name":"main","env":[{"name":"B","value":"9"},{"name":"C","value":"3"}]}]}}`, `{"spec":{"containers":[{"name":"main","args":["z"]}]}}`,
		`{"spec":{"containers":[{"name":"main","ports":[{"containerPort":8080}]}]}}`, `{"spec":{"containers":[{"name":"main","ports":[{"containerPort":80,"$patch":"delete"}]}]}}`,
		`{"metadata":{"finalizers":["f9"]}}`, `{"metadata":{"$deleteFromPrimitiveList/finalizers":["f2"]}}`, `{"metadata":{"$deleteFromPrimitiveList/finalizers":["f2"],"finalizers":["f4"]}}`,
		`{"metadata":{"$setElementOrder/finalizers":["f3","f1"],"finalizers":["f3"]}}`, `{"metadata":{"$setElementOrder/finalizers":["f9","f1"],"finalizers":["f9"]}}`,
		`{"spec":{"$setElementOrder/containers":[{"name":"side"},{"name":"main"}],"containers":[{"name":"main","image":"i:3"}]}}`, `{"spec":{"$setElementOrder/containers":[{"name":"side"},{"name":"main"}]}}`,
		`{"spec":{"$setElementOrder/containers":[{"name":"new"},{"name":"side"},{"name":"main"}],"containers":[{"name":"new","image":"n"},{"name":"main","$patch":"delete"}]}}`,
		`{"spec":{"$setElementOrder/containers":[{"name":"side"}],"containers":[{"name":"main","image":"x"}]}}`, `{"spec":{"$setElementOrder/containers":"x"}}`, `{"spec":{"$setElementOrder":[]}}`,
		`{"spec":{"volumes":[{"name":"data","$retainKeys":["name","hostPath"],"hostPath":{"path":"/h"}}]}}`, `{"spec":{"volumes":[{"name":"data","$retainKeys":["name"],"hostPath":{"path":"/h"}}]}}`,
		`{"spec":{"volumes":[{"name":"data","$retainKeys":"x"}]}}`, `{"spec":{"nodeSelector":{"$patch":"replace","zone":"z"}}}`, `{"spec":{"nodeSelector":{"$patch":"delete"}}}`, `{"spec":{"nodeSelector":{"$patch":"frob"}}}`,
		`{"spec":{"tolerations":[{"key":"q"}]}}`, `{"spec":{"containers":[{"image":"nokey"}]}}`, `{"spec":{"containers":[{"name":"main","$patch":"merge"}]}}`, `{"spec":{"containers":["x"]}}`, `{"spec":{"containers":[["x"]]}}`,
		`{"spec":{"volumes":null}}`, `{"spec":{"unknown":{"a":null,"b":1}}}`, `{"spec":{"hostAliases":[{"ip":"1.2.3.4","hostnames":["h"]}]}}`, `{"spec":{"imagePullSecrets":[{"name":"s","$patch":"delete"},{"name":"t"}]}}`,
		`{"metadata":{"ownerReferences":[{"uid":"u2","$patch":"delete"}]}}`, `{"metadata":{"ownerReferences":[{"uid":"u3","name":"o3"}]}}`, `{"$patch":"replace","metadata":{"name":"q"}}`, `{"$patch":"delete"}`, `{"metadata":{"labels":null}}`,
		`{"metadata":{"$deleteFromPrimitiveList":["f2"]}}`, `{"metadata":{"$deleteFromPrimitiveList/absent":["f2"]}}`, `{"spec":{"containers":[{"name":"main","env":null}]}}`, `{"spec":{"containers":[{"name":"main","resources":{"limits":{"cpu":"1","memory":null}}}]}}`,
		`{"spec":{"containers":[{"name":"new","env":[{"name":"X","value":null}]}]}}`, `{"spec":{"securityContext":{"$patch":"replace","runAsUser":1}}}`, `{"spec":{"containers":[{"name":"main","$patch":"replace","image":"z"}]}}`,
	}
	var cases []J
	for _, p := range patches {
		cases = append(cases, strategicCase("Pod", pod, p))
	}
	depl := `{"spec":{"replicas":1,"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":1}},"template":` + pod + `}}`
	for _, p := range []string{
		`{"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate"}}}`, `{"spec":{"strategy":{"type":"Recreate","rollingUpdate":null}}}`, `{"spec":{"replicas":3,"template":{"spec":{"containers":[{"name":"side","image":"s:2"}]}}}}`,
		`{"spec":{"strategy":{"$retainKeys":["rollingUpdate"],"type":"Recreate"}}}`, `{"spec":{"template":{"spec":{"$setElementOrder/volumes":[{"name":"cfg"},{"name":"data"}],"volumes":[{"name":"new","secret":{"secretName":"s"}}]}}}}`,
		`{"spec":{"template":{"spec":{"$setElementOrder/volumes":[{"name":"cfg"},{"name":"new"},{"name":"data"}],"volumes":[{"name":"new","secret":{"secretName":"s"}}]}}}}`,
	} {
		cases = append(cases, strategicCase("Deployment", depl, p))
	}
	svc := `{"spec":{"ports":[{"port":80,"name":"http"},{"port":443,"name":"https"}],"selector":{"a":"b"},"externalIPs":["1.1.1.1"]}}`
	for _, p := range []string{`{"spec":{"ports":[{"port":80,"targetPort":8080}]}}`, `{"spec":{"ports":[{"port":9090}]}}`, `{"spec":{"$setElementOrder/ports":[{"port":443},{"port":80}],"ports":[{"port":80,"name":"h"}]}}`, `{"spec":{"externalIPs":["2.2.2.2"]}}`, `{"spec":{"selector":null}}`, `{"spec":{"ports":[{"port":80,"$patch":"delete"},{"port":443,"$patch":"delete"}]}}`} {
		cases = append(cases, strategicCase("Service", svc, p))
	}
	sa := `{"secrets":[{"name":"a"},{"name":"b"}],"imagePullSecrets":[{"name":"x"}]}`
	for _, p := range []string{`{"secrets":[{"name":"c"}]}`, `{"secrets":[{"name":"a","$patch":"delete"}],"imagePullSecrets":[{"name":"y"}]}`} {
		cases = append(cases, strategicCase("ServiceAccount", sa, p))
	}
	// Random lists with random directives: what nobody thinks of writing down.
	r := rand.New(rand.NewSource(1))
	letters := []string{"a", "b", "c", "d", "e", "f", "g"}
	pick := func(n int) []string {
		q := append([]string{}, letters...)
		r.Shuffle(len(q), func(i, j int) { q[i], q[j] = q[j], q[i] })
		return q[:n]
	}
	for i := 0; i < 160; i++ {
		var have, change, order []any
		var fin, fchange, fdel, forder []any
		for _, n := range pick(r.Intn(6)) {
			have = append(have, J{"name": n, "image": "old"})
			fin = append(fin, n)
		}
		for _, n := range pick(1 + r.Intn(4)) {
			item := J{"name": n, "image": "new"}
			switch r.Intn(6) {
			case 0:
				item = J{"name": n, "$patch": "delete"}
			default:
				order = append(order, J{"name": n})
			}
			change = append(change, item)
			fchange = append(fchange, n)
			forder = append(forder, n)
		}
		if r.Intn(8) == 0 {
			change = append(change, J{"$patch": "replace"})
		}
		for _, n := range pick(r.Intn(3)) {
			fdel = append(fdel, "z"+n)
			fin = append(fin, "z"+n)
		}
		for _, n := range pick(r.Intn(3)) { // more of the live items in the order
			at := r.Intn(len(order) + 1)
			dup := false
			for _, o := range order {
				dup = dup || o.(J)["name"] == n
			}
			if !dup {
				order = append(order[:at], append([]any{J{"name": n}}, order[at:]...)...)
			}
		}
		spec := J{"containers": change}
		if r.Intn(2) == 0 && len(order) > 0 {
			spec["$setElementOrder/containers"] = order
		}
		meta := J{"finalizers": fchange}
		if len(fdel) > 0 {
			meta["$deleteFromPrimitiveList/finalizers"] = fdel
		}
		if r.Intn(2) == 0 {
			meta["$setElementOrder/finalizers"] = forder
		}
		target, _ := json.Marshal(J{"metadata": J{"finalizers": fin}, "spec": J{"containers": have}})
		if have == nil || fin == nil {
			continue
		}
		patch, _ := json.Marshal(J{"metadata": meta, "spec": spec})
		cases = append(cases, strategicCase("Pod", string(target), string(patch)))
	}
	schema := J{}
	for k, v := range kinds {
		o := J{}
		rules(reflect.TypeOf(v), "", 0, o)
		schema[k] = o
	}
	write("strategic_merges.json", J{"rules": schema, "cases": cases})
}

func main() {
	selectors()
	names()
	jsonPatches()
	strategic()
	fmt.Println("done")
}

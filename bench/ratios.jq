# The figures of one run as the table of bench/RESULTS.md: the best round of each, and ratios between them.
def r(n): . * pow(10; n) | round / pow(10; n);
def best(what; size): map(select(.what == what and .size == size)) | min_by(.wall);
def ended: if .phase == "Completed" then "" else " \(.phase)!" end;
def mib(what; size): map(select(.what == what and .size == size).serverPeakMiB) | max | r(0);
(map(select(.what == "micro"))[0]) as $m
| (map(select(.what == "startup"))[0].commands) as $s
| (map(select(.what == "backup").size) | unique) as $sizes
| "| claim | Lateen | peer | ratio |",
  "|---|---|---|---|",
  ($sizes[] as $n
   | best("backup"; $n) as $b | best("pages"; $n) as $p | best("restore"; $n) as $t | best("post"; $n) as $o
   | ($b.items / $b.wall) as $bi | ($t.items / $t.wall) as $ti | ($n / $o.post.seconds) as $oi
   | "| backup of \($n) objects (\($b.items) items\($b | ended)), wall against GET of the same pages | \($b.wall | r(2)) s, \($bi | r(0)) items/s | \($p.pages.seconds | r(2)) s for \($p.pages.requests) pages, \($p.pages.mebibytes | r(1)) MiB | \($b.wall / $p.pages.seconds | r(2)) |",
     "| the same, CPU: server; peer | \($b.serverCpu | r(2)) s | \($p.pages.cpuSeconds | r(2)) s | \($b.serverCpu / $p.pages.cpuSeconds | r(2)) |",
     "| the same, peak memory | \(mib("backup"; $n)) MiB | \($p.pages.peakRssMiB | r(0)) MiB | \(mib("backup"; $n) / $p.pages.peakRssMiB | r(2)) |",
     "| restore of them (\($t.items) items\($t | ended)), items/s against plain parallel POST | \($t.wall | r(2)) s, \($ti | r(0)) items/s | \($o.post.seconds | r(2)) s, \($oi | r(0)) objects/s | \($ti / $oi | r(2)) |",
     "| the same, CPU: server; peer | \($t.serverCpu | r(2)) s | \($o.post.cpuSeconds | r(2)) s | \($t.serverCpu / $o.post.cpuSeconds | r(2)) |",
     "| the same, peak memory | \(mib("restore"; $n)) MiB | \($o.post.peakRssMiB | r(0)) MiB | \(mib("restore"; $n) / $o.post.peakRssMiB | r(2)) |"),
  (if ($sizes | length) > 1 then
     $sizes[0] as $a | $sizes[-1] as $z
     | "| server's peak memory, backup of \($z) against \($a) objects | \(mib("backup"; $z)) MiB | \(mib("backup"; $a)) MiB | \(mib("backup"; $z) / mib("backup"; $a) | r(2)) |",
       "| the same, restore | \(mib("restore"; $z)) MiB | \(mib("restore"; $a)) MiB | \(mib("restore"; $z) / mib("restore"; $a) | r(2)) |"
   else empty end),
  ((map(select(.what == "post-secrets").size) | unique | .[]) as $n
   | best("restore-secrets"; $n) as $t | best("post-secrets"; $n) as $o
   | "| restore of \($n) Secrets (\($t.items) items\($t | ended)), wall against plain parallel POST | \($t.wall | r(2)) s, \($t.items / $t.wall | r(0)) a second | \($o.post.seconds | r(2)) s, \($n / $o.post.seconds | r(0)) a second | \($t.wall / $o.post.seconds | r(2)) |",
     "| the same, CPU: server; peer | \($t.serverCpu | r(2)) s | \($o.post.cpuSeconds | r(2)) s | \($t.serverCpu / $o.post.cpuSeconds | r(2)) |"),
  (if $s then
     "| `lateen backup get` against `kubectl get backups` (min / median of \(map(select(.what == "startup"))[0].runs)) | \($s[1].minMs | r(1)) / \($s[1].medianMs | r(1)) ms | \($s[2].minMs | r(1)) / \($s[2].medianMs | r(1)) ms | \($s[1].minMs / $s[2].minMs | r(2)) |",
     "| `lateen version --client-only` against `kubectl version --client` | \($s[0].minMs | r(1)) / \($s[0].medianMs | r(1)) ms | \($s[3].minMs | r(1)) / \($s[3].medianMs | r(1)) ms | \($s[0].minMs / $s[3].minMs | r(2)) |",
     (if $s[4] then "| `lateen backup get` against `velero backup get` | \($s[1].minMs | r(1)) / \($s[1].medianMs | r(1)) ms | \($s[4].minMs | r(1)) / \($s[4].medianMs | r(1)) ms | \($s[1].minMs / $s[4].minMs | r(2)) |" else empty end)
   else empty end),
  "| slicing a page of 500 objects against making its tree | \($m.sliceMBs | r(0)) MB/s | \($m.treeMBs | r(0)) MB/s | \($m.sliceMBs / $m.treeMBs | r(1)) |",
  "| the same against copying it (memcpy) | \($m.sliceMBs | r(0)) MB/s | \($m.copyMBs | r(0)) MB/s | \($m.sliceMBs / $m.copyMBs | r(2)) |",
  "| a gzip member against zlib's default level, one thread | \($m.memberMBs | r(0)) MB/s | \($m.zlibMBs | r(0)) MB/s | \($m.memberMBs / $m.zlibMBs | r(2)) |",
  "| the whole archive writer, of tar, against one gzip thread | \($m.archiveMBs | r(0)) MB/s | \($m.memberMBs | r(0)) MB/s | \($m.archiveMBs / $m.memberMBs | r(2)) |"

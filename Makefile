# The front door. `make help` lists what there is.
BUILD := build

.DEFAULT_GOAL := help
.PHONY: help setup build test drill bench image dist format lint sanitize fuzz clean

help: ## List the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 20

setup: ## Install the Debian packages that building and the drill need
	@tools/setup.sh build

build: setup ## Build the release binary: build/lateen
	@tools/build.sh

drill: build ## Sandbox, bookstore, backup, namespace destroyed, restore, rows counted
	@tools/drill.sh

test: ## Build everything and run all tests
	@tools/setup.sh test
	@tools/run_tests.sh

image: build ## An OCI image without a registry: build/lateen-image.tar
	@tools/image.py

dist: build ## The program with what it needs, for other machines: build/lateen-VERSION-linux-ARCH.tar.gz
	@tools/dist.py

bench: ## Measure, and print the ratios that bench/RESULTS.md records
	@tools/setup.sh test
	@bench/run.sh

format: ## Format the C++ sources
	@tools/setup.sh lint
	@git ls-files -z 'src/*.h' 'src/*.cc' 'apps/*.cc' 'tests/*.h' 'tests/*.cc' 'bench/*.cc' 'fuzz/*.cc' | xargs -0 clang-format-19 -i

lint: ## clang-format, room order, bans, clang-tidy on what changed
	@tools/setup.sh lint
	@tools/lint.sh

sanitize: ## Unit tests under ASan+UBSan, and the threaded ones under TSan
	@tools/setup.sh lint
	@tools/sanitize.sh

fuzz: ## Each fuzzer for FUZZ_SECONDS (30); FUZZERS="tar yaml" takes some
	@tools/setup.sh lint
	@tools/fuzz.sh

clean: ## Remove what was built
	rm -rf $(BUILD)

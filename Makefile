# make run · image · check · test · accept · bench · clean
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
export CGO_ENABLED := 0
RIVEN := bin/riven
ARGS ?=
IMAGE ?= riven:latest

.PHONY: build image run check lint test accept bench clean deps

build:
	@go build -trimpath -o $(RIVEN) ./cmd/riven

# A container image that holds nothing but the one static binary.
image: build
	@tar -C bin -c riven | docker import -c 'ENTRYPOINT ["/riven"]' - $(IMAGE)

# The lock workload on real containers: verdict and report at the end.
run: deps build
	@$(RIVEN) run lock --cluster auto $(ARGS)

# Format, vet, lint, unit tests: before every commit.
check: lint
	@go test -short ./...

lint:
	@bad=$$(gofmt -l .); if [ -n "$$bad" ]; then echo "not gofmt'ed: $$bad"; exit 1; fi
	@go vet -tags docker,browser ./...
	@go tool staticcheck -tags docker,browser ./...
	@go run ./harness/env/lint/cmd ./workloads/...

# All that CI proves: real containers and a real browser included. Nothing is skipped.
test: deps build lint
	@go test -count=1 -p 1 -timeout 20m -tags docker,browser ./...

# The long proofs, all or those named by ROWS; one table, kept in docs/acceptance.md.
ROWS ?= .
accept: deps build
	@go test -count=1 -timeout 170m -tags accept -run 'Accept/$(ROWS)' -v ./cmd/riven

bench: deps build
	@go test -run '^$$' -bench . -benchtime 1s -p 1 -tags docker ./...

clean: build
	@$(RIVEN) clean

# What the machine may lack: debootstrap makes the base image where no registry can be reached, chromium opens the report
# in tests, ip makes the networks of tests.
deps:
	@missing=; command -v debootstrap >/dev/null || missing=debootstrap; \
	case "$(MAKECMDGOALS)" in *test*) \
		command -v chromium >/dev/null || missing="$$missing chromium fonts-dejavu-core"; \
		command -v ip >/dev/null || missing="$$missing iproute2";; esac; \
	if [ -n "$$missing" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing $$missing"; apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; fi

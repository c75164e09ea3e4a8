# The verbs of Holdfast. `make` prints them; CI runs the same ones.

SHELL := /bin/sh
.DEFAULT_GOAL := help
# The profile of the tests, so that one build serves every verb. `PROFILE=release` builds what is
# deployed and measured.
PROFILE ?= dev
TARGET := $(or $(CARGO_TARGET_DIR),target)
BIN = $(TARGET)/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))

# `make demo` and `make mixed`: shoppers, units of the dress that they want; another seed is another
# crowd.
SHOPPERS ?= 500
UNITS ?= 100
SEED ?= 1
# `make storm`: units for most shoppers, so that most pay; seconds that PostgreSQL is stopped.
STORM_UNITS ?= 400
DOWN_S ?= 60
# `make demo`, `make mixed`, `make storm`: more options of `holdfast up`.
UP ?=
# `make rush` and `make bench-rush`: shoppers at once.
RUSH ?= 10000
# `make rush`: a stack with 100 pieces, and the shoppers.
RUSH_UP = $(BIN)/holdfast up --hot-units 100 --sweep-every-s 0 --run 'holdfast rush --shoppers $(RUSH)'
# `make bench-cold`: the folder of another build's functions, to measure in turns. `make bench-sweep`:
# the folder of another version's routines.
AGAINST ?=
# `make test-postgres`: the major version of PostgreSQL, or the folder of its programs.
PG ?= 18
PG_BIN ?= /usr/lib/postgresql/$(PG)/bin
# `make deployable` and `make sam-build`: the processor of the functions.
ARCHITECTURE ?= arm64
# `make growth` and `make bench-pages`: orders of the database.
ORDERS ?= 1000000

# `holdfast up --run` tells the drill where the stack is, by variables of the environment.
DRILL = holdfast drill --hot-sku LEHENGA-RED-M --shoppers $(SHOPPERS) --seed $(SEED) --out report/

.PHONY: help
help: ## print the verbs
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-24s %s\n", $$1, $$2 }'

.PHONY: setup
setup: ## fetch what the machine lacks into .tools/ (SQS), and find PostgreSQL
	@tools/setup

.PHONY: build
build: ## build the functions and the tools; PROFILE=release as they are deployed
	@cargo build --workspace --bins --locked --profile $(PROFILE)

.PHONY: up
up: setup build ## run the whole stack on this machine until Ctrl-C
	@$(BIN)/holdfast up

.PHONY: demo
demo: setup build ## rehearse a flash sale: 500 shoppers, 100 dresses; the report goes to report/
	@$(BIN)/holdfast up $(UP) --hot-units $(UNITS) --run '$(DRILL) --units $(UNITS)'

.PHONY: mixed
mixed: setup build ## make demo with staff at work: edits, imports, bookings, returns
	@$(BIN)/holdfast up $(UP) --hot-units $(UNITS) --run '$(DRILL) --units $(UNITS) --mixed --rush-s 45'

.PHONY: storm
storm: setup build ## make demo on a bad day: webhooks get lost, PostgreSQL stops
	@$(BIN)/holdfast up $(UP) --hot-units $(STORM_UNITS) --sweep-every-s 2 \
		--sweeper-set LOOKUP_BEFORE_S=3600 --sweeper-set LOOKUP_AGAIN_S=5 \
		--sweeper-set LOOKUP_PENDING_S=15 --run '$(DRILL) --units $(STORM_UNITS) \
		--gateways "$$HOLDFAST_GATEWAYS" --local "$$HOLDFAST_LOCAL" --database-down-s $(DOWN_S) \
		--gateway-down-s 10 --rush-s 60 --settle-s 180'

.PHONY: rush
rush: PROFILE = release
rush: setup build ## send 10,000 shoppers at once for 100 dresses through the whole stack: RUSH=10000
	@echo "4 processes with 250 requests and 8 connections each:"
	@$(RUSH_UP) --concurrency 4 --requests-per-process 250
	@echo "32 processes with one request and one connection each:"
	@$(RUSH_UP) --concurrency 32

.PHONY: upgrade-rehearsal
upgrade-rehearsal: setup ## deploy two releases under load (minutes: it builds three)
	@tools/release/rehearse

.PHONY: bench
bench: setup ## compare holds on one hot sku with the classic routine, bare inserts and Redis
	@cargo build --workspace --bin holdfast --locked --release
	@$(TARGET)/release/holdfast bench

.PHONY: bench-rush
bench-rush: setup ## many shoppers ask for one of 100 pieces at once, through PgBouncer: RUSH=10000
	@cargo build --workspace --bin holdfast --locked --release
	@$(TARGET)/release/holdfast bench --rush $(RUSH)

.PHONY: bench-cold
bench-cold: PROFILE = release
bench-cold: setup build ## measure new processes and requests of the HTTP functions, also AGAINST=folder
	@$(BIN)/holdfast bench --cold $(if $(AGAINST),--against $(AGAINST))

.PHONY: bench-sweep
bench-sweep: setup ## expire 100,000 due holds of one sku beside begins, also AGAINST=folder of routines
	@cargo build --workspace --bin holdfast --locked --release
	@$(TARGET)/release/holdfast bench --sweep $(if $(AGAINST),--against $(AGAINST))

.PHONY: bench-sizes
bench-sizes: setup ## measure holds of one sku in small and large shops, a large sweep, a purge (minutes)
	@cargo build --workspace --bin holdfast --locked --release
	@$(TARGET)/release/holdfast bench --sizes --seconds 5

.PHONY: bench-pages
bench-pages: setup ## measure every page of the console: 5,000 orders, then ORDERS=1000000 (minutes)
	@cargo build --workspace --bin holdfast --locked --release
	@$(TARGET)/release/holdfast bench --pages 5000 --within-ms 50
	@$(TARGET)/release/holdfast bench --pages $(ORDERS) --within-ms 200 --watchers 500

.PHONY: growth
growth: setup ## hold every statement of every routine to a bound, at ORDERS=1000000 (half an hour)
	@cargo build --workspace --bin holdfast --locked --release
	@$(TARGET)/release/holdfast bench --growth $(ORDERS)

.PHONY: test
test: setup build ## set up, build the functions and the tools, run every test
	@tools/browser
	@cargo test --workspace --locked

.PHONY: test-pgbouncer
test-pgbouncer: setup build ## run the integration tests through PgBouncer
	@tools/browser
	@HOLDFAST_TEST_POOLER=1 cargo test --workspace --locked --test it

.PHONY: test-postgres
test-postgres: setup build ## run every test on another installed PostgreSQL: PG=18, or PG_BIN=folder
	@tools/browser
	@HOLDFAST_PG_BIN=$(PG_BIN) cargo test --workspace --locked

.PHONY: test-citus
test-citus: ## run the tests of rules and HTTP, and sales, on Citus: HOLDFAST_PG_BIN=folder of its programs
	@tools/citus/run

.PHONY: gateways
gateways: ## let Stripe's and Razorpay's own libraries talk to the simulated gateways
	@tools/simulator/libraries/run

.PHONY: openapi
openapi: ## write openapi.yaml, and the table of operations in docs/architecture.md, from the code
	@HOLDFAST_WRITE_DOCS=1 cargo test --workspace --locked --test it -- \
		the_contract_is_what_the_code_says
	@HOLDFAST_WRITE_DOCS=1 cargo test --workspace --locked --test it -- table_of_operations

.PHONY: lint
lint: ## check openapi.yaml, template.yaml, new migrations, the format, clippy
	@tools/lint/run

.PHONY: audit
audit: ## check crates for advisories, licences and sources, and the workflows (fetches a database)
	@tools/audit/run

.PHONY: golden
golden: ## check the golden webhooks by the gateways' own client libraries
	@tools/golden/run --check

.PHONY: sbom
sbom: ## write a bill of materials of each function to target/sbom/
	@tools/audit/sbom

.PHONY: lock
lock: ## pin the Python tools again, after an edit of a requirements.in
	@tools/lock

.PHONY: deployable
deployable: ## name the tools that a build for Lambda and a deployment lack: ARCHITECTURE=arm64
	@tools/deploy/prerequisites $(ARCHITECTURE)

.PHONY: sam-build
sam-build: ## build the functions as they are deployed, with the pinned tools: ARCHITECTURE=arm64
	@tools/deploy/build $(ARCHITECTURE)

.PHONY: deploy-check
deploy-check: ## build and deploy the template to an emulator of AWS, and buy something there
	@tools/deploy-check/run

.PHONY: fmt
fmt: ## format the code
	@cargo fmt --all

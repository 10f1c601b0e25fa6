# Every way to build, run and test Cloud Ledger. Each target installs what it needs and is missing.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup build testnet testnet-down test lint fuzz bench crash faults relayer-faults soak contracts-check notary-check signup-check \
    signup-kills docs clean-data

help: ## This list
	@echo 'Cloud Ledger: make <target>'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 20

setup: ## Install what is missing: Debian packages, RocksDB (built once, about 12 minutes)
	@scripts/setup.sh

build: setup ## Build the pages, the node (ledger-node) and the command (passport)
	@scripts/build.sh

testnet: build ## Start four validators and a full node in the background and play the promo code demo on them
	@scripts/testnet.sh up

testnet-down: ## Stop the network that `make testnet` started; its data stays
	@scripts/testnet.sh down

test: setup ## All tests, the whole-system tests with viem, ethers.js and cast included
	@scripts/test.sh

lint: setup ## Format, clippy, dependency rules
	@scripts/lint.sh

fuzz: setup ## Fuzz every decoder of foreign bytes: make fuzz SECONDS=60 TARGETS="header spec"
	@FUZZ_SECONDS=$(or $(SECONDS),60) scripts/fuzz.sh $(TARGETS)

bench: setup ## Requests and calls per second of a build for speed, beside anvil
	@scripts/bench.sh

crash: setup ## 500 kills, 200 I/O faults and damaged files, with a table of what they led to (about an hour)
	@scripts/crash.sh

faults: setup ## Kill, hold, cut off, deceive and flood a network of four validators (about 15 minutes; cuts need root)
	@scripts/faults.sh

relayer-faults: setup ## Let everything go wrong between the relayer and a mainchain: reorganisations, kills, liars (about 15 minutes)
	@scripts/relayer-faults.sh

soak: setup ## 100,000 simulated runs of the consensus, with a table of what they came to (about an hour)
	@scripts/soak.sh

contracts-check: setup ## Solidity tests; artifacts and gas snapshot match the sources
	@scripts/contracts-check.sh

notary-check: setup ## python-tuf, unmodified, reads a repository that the notary's writer published
	@scripts/notary-check.sh

signup-check: setup ## The clouds' Python library and the example of a sign-up service: types and tests on a real node
	@scripts/signup-check.sh

signup-kills: setup ## Kill the sign-up service 100 times while users sign up, with a table of what that led to (about 5 minutes)
	@scripts/signup-check.sh kills 100

docs: ## The handbook as a book in target/handbook (its commands are run by the tests)
	@scripts/docs.sh

clean-data: testnet-down ## Delete the data of that network
	@rm -rf .data
	@echo 'The testnet is gone; `make testnet` starts a new one.'

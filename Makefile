# make demo   installs what is missing, builds, and runs two nights of the sample job
# make test   builds and runs every test
# make check  what a reviewer runs before a merge: formatting, tests, the binary's own checks

SHELL := /bin/bash
BUILD := swift build -c release
TESSERA = $(shell $(BUILD) --show-bin-path)/tessera
SAMPLE := sample

.PHONY: setup build demo test check format clean

setup:
	@tools/setup

build: setup
	@$(BUILD) --product tessera

test: setup
	@$(BUILD) --build-tests
	@tools/test

demo: build
	@tools/demo "$(TESSERA)" "$(SAMPLE)"

check: setup
	@tools/check

format:
	@swift format --in-place --recursive Sources Tests Package.swift

clean:
	@rm -rf .build $(SAMPLE) runs

# Ward's build. `make` alone prints what can be made; docs/architecture.md says how it fits together.
.DEFAULT_GOAL := help
SHELL := /bin/bash

BUILD    ?= build
CC       ?= gcc
ifeq ($(origin CC),default)
CC       := gcc
endif
CXX      ?= g++
SAN      ?=
OPT      ?= -O2
G        := $(BUILD)/gen
VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo unversioned)
WARD_DATA ?= ../shared/data
export WARD_DATA

# As many compilers as cores; J=1 for one.
J ?= $(shell nproc)
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(J)
endif

include tools/build/packages.mk
include tools/build/rules.mk
include tools/build/scan.mk
include tools/build/check.mk
include tools/build/fuzz.mk
include tools/build/plugins.mk
include tools/build/eval.mk
include tools/build/live.mk
include tools/build/text.mk
include tools/build/train.mk
include tools/build/duplicates.mk
include tools/build/rpc.mk
include tools/build/journey.mk
include tools/build/integration.mk
include tools/build/audit.mk
include tools/build/gallery.mk
include tools/build/dosage.mk
include tools/build/docs.mk
include tools/build/k8s.mk
include tools/build/image.mk
include tools/build/drills.mk
include tools/build/house.mk
include tools/build/examples.mk

help: ## this list
	@awk -F':.*## ' '/^[a-z0-9%_-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

deps: ## install what is missing on this machine: Debian packages, pinned npm packages
	@tools/deps

build: $(PROGRAMS) $(PLUGINS) ## everything, into build/

clean: ## remove build/
	rm -rf build
.PHONY: help deps build clean

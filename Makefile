# SPDX-License-Identifier: MIT
#
# swale: libraries, examples, tests.
#
#   make                     libraries and examples, into build/
#   make deps                install the Debian packages that are missing (also deps-redis, deps-browser, deps-ci, deps-bench)
#   make run                 build and run the notifications example
#   make check               every test that needs no browser; T=layer runs the matching ones
#   make install             PREFIX=/usr/local LIBDIR=$(PREFIX)/lib DESTDIR=
#
# Switches: V=1 shows the commands, WERROR=1, SAN=address,undefined or SAN=thread, COVERAGE=1, BUILD=folder,
# DEFLATE=0 for a libswale-ws without compression, which does not need zlib.
# Goals may stand together (`make deps check`): whatever is asked for besides deps waits for it, and so
# pkg-config is only ever called from recipes.

BUILD   ?= build
PREFIX  ?= /usr/local
LIBDIR  ?= $(PREFIX)/lib
CFLAGS  ?= -O2 -g
AR      ?= ar
PYTHON  ?= /usr/bin/python3
CLANG   ?= clang
PORT    ?= 9001
DEFLATE ?= 1
FUZZ_SECONDS ?= 20
COVERAGE_MIN ?= 95
BRANCHES_MIN ?= 85

comma   := ,
VERSION := $(shell sed -n 's/^.define SWALE_VERSION "\(.*\)"/\1/p' include/swale/api.h)
ABI     := $(shell sed -n 's/^.define SWALE_ABI //p' include/swale/api.h)

# Each set of flags that changes the code has a folder of its own: $B is where things are built.
B := $(BUILD)$(if $(filter 0,$(DEFLATE)),/no-deflate)$(if $(SAN),/san-$(firstword $(subst $(comma), ,$(SAN))))$(if $(COVERAGE),/coverage)

WARNINGS := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wmissing-prototypes -Wstrict-prototypes
INSTRUMENT := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer) \
  $(if $(COVERAGE),--coverage -fprofile-update=atomic -O0)
# With clang as with gcc, what is exported is called and not copied.
COMPILE = $(CC) -std=c11 -D_GNU_SOURCE -Iinclude $(WARNINGS) $(if $(WERROR),-Werror) -pthread \
  -fvisibility=hidden -fsemantic-interposition $(CPPFLAGS) $(CFLAGS) $(INSTRUMENT)
LINK = $(CC) -pthread $(CFLAGS) $(INSTRUMENT) $(LDFLAGS)

ifeq ($(V),)
Q := @
say = @printf '  %-7s %s\n' $1 $(patsubst $(B)/%,%,$@)
endif

# The goals of this run that install packages; every other recipe waits for them.
DEPS := $(filter deps deps-redis deps-ci deps-browser deps-bench,$(MAKECMDGOALS))

# pkg-config's answer for the packages $2; only for use in recipes.
pkg = $(if $(strip $2),$(shell pkg-config $1 $2)$(if $(filter-out 0,$(.SHELLSTATUS)),$(error try `make deps` first)))

## Libraries. NAME: without lib; PKGS: for pkg-config; LIBS: what has no .pc file on Debian.

NAME_core    := swale
NAME_ws      := swale-ws
NAME_json    := swale-json
NAME_redis   := swale-redis
NAME_testing := swale-testing
ZLIB         := $(if $(filter 0,$(DEFLATE)),,zlib)
PKGS_ws      := nettle $(ZLIB)
LIBS_ws      := -lwslay
PKGS_json    := jansson
PKGS_redis   := hiredis nettle

PARTS := $(foreach p,core ws json redis testing,$(if $(wildcard lib/$p/*.c),$p))
UPPER := $(filter-out core,$(PARTS))

# What this build does without, tests included.
LEFT_OUT := $(if $(ZLIB),lib/ws/codec_none.c tests/simulation/squeeze_none.c,lib/ws/codec.c tests/simulation/squeeze.c tests/unit/ws/zpeer.c tests/unit/ws/test_codec.c \
  tests/unit/ws/test_deflate.c tests/fuzz/fuzz_ws_deflate.c)
sources  = $(filter-out $(LEFT_OUT),$(wildcard lib/$1/*.c))
archive  = $(B)/lib$(NAME_$1).a
shared   = $(B)/lib$(NAME_$1).so.$(VERSION)
archives = $(foreach p,$(filter $(PARTS),$(filter-out core,$1) core),$(call archive,$p))
# What the archives of the parts $1 and the packages $2 need from the system.
syslibs  = $(foreach p,$1,$(LIBS_$p)) $(call pkg,--libs,$(foreach p,$1,$(PKGS_$p)) $2)

ARCHIVES := $(foreach p,$(PARTS),$(call archive,$p))
SHARED   := $(foreach p,$(PARTS),$(call shared,$p))

## Examples: each folder is a program. PARTS: swale's libraries it needs beside the core; PKGS: other packages.

EXAMPLES := $(sort $(patsubst examples/%/,%,$(dir $(wildcard examples/*/*.c))))
# Left out where the header is not installed, since nothing else needs it.
EXAMPLES := $(filter-out $(if $(wildcard /usr/include/liburing.h),,io_uring),$(EXAMPLES))
PARTS_io_uring      := ws
PKGS_io_uring       := liburing
PARTS_notifications := ws json redis
PKGS_notifications  := libmicrohttpd jansson
PARTS_chat          := ws redis
PARTS_echo          := ws
PARTS_django-edge   := ws json redis

## Tests.

UNIT_SOURCES := $(filter-out $(LEFT_OUT),$(wildcard tests/unit/*/test_*.c))
wanted = $(if $T,$(foreach t,$1,$(if $(findstring $T,$t),$t)),$1)
UNIT        := $(call wanted,$(UNIT_SOURCES:%.c=$(B)/%))
INTEGRATION := $(call wanted,$(wildcard tests/integration/*.py) tests/conformance/run.py)
INTEROP     := $(call wanted,$(wildcard tests/interop/*.py))
STATIC      := $(call wanted,$(wildcard tests/check/*.sh tests/check/*.py))
BROWSER     := $(call wanted,$(wildcard tests/browser/*.py tests/browser/*.js))
SOAK        := $(call wanted,$(wildcard tests/soak/*.py))
FUZZ        := $(call wanted,$(filter-out $(LEFT_OUT),$(wildcard tests/fuzz/*.c)))
# What unit tests need beside the library under test: packages and other parts.
TESTPKGS_core   := msgpack
TESTPARTS_redis := json

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all libs examples clean FORCE

all: libs examples
libs: $(ARCHIVES) $(SHARED)
examples: $(EXAMPLES:%=$(B)/examples/%)

clean:
	rm -rf $(BUILD)

## Compiling. A change of flags or compiler rebuilds everything.

$(B)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(COMPILE) $(RARELY)' | cmp -s - $@ || echo '$(COMPILE) $(RARELY)' >$@

# What does not run for each member or frame is compiled for size: the libraries are to stay small. With frame pointers the
# unwind tables, a fifth of them, are shorter.
RARELY := $(addprefix lib/core/,answer app buffer channel completion connect consumer converter drain drop error group inbox item layer lease loop message \
    memo message_build msgpack_check msgpack_keys name outside pattern plain port queue receive receiver route scope scope_look scope_query send stats table \
    timer url value wheel worker) \
  $(addprefix lib/ws/,answer ascii burst chunks close_code closing codec connection deadline deflate extension frame_out handshake head incoming message_in opening options \
    origin ping pool pump undecided upgraded)
$(foreach o,obj pic,$(RARELY:%=$(B)/$o/%.o)): private OPTIMISE = $(if $(filter -O2 -O3,$(CFLAGS)),$(if $(SAN)$(COVERAGE),,-Oz -fno-omit-frame-pointer))

# Packages and internal headers by folder; $* is the source without its ending.
folder = $(word $1,$(subst /, ,$*))
$(B)/obj/lib/% $(B)/pic/lib/% $(B)/obj/examples/%: private PACKAGES = $(PKGS_$(call folder,2))
$(B)/obj/tests/unit/%: private PACKAGES = $(PKGS_$(call folder,3)) $(TESTPKGS_$(call folder,3))
$(B)/obj/lib/% $(B)/pic/lib/%: private INTERNAL = -Ilib
$(B)/obj/tests/%: private INTERNAL = -Ilib -Itests/unit

$(B)/obj/%.o: %.c $(B)/flags | $(DEPS)
	$(call say,CC)
	$(Q)mkdir -p $(@D)
	$(Q)$(COMPILE) $(OPTIMISE) $(INTERNAL) $(call pkg,--cflags,$(PACKAGES)) -MMD -MP -c -o $@ $<

$(B)/pic/%.o: %.c $(B)/flags | $(DEPS)
	$(call say,CC-PIC)
	$(Q)mkdir -p $(@D)
	$(Q)$(COMPILE) $(OPTIMISE) $(INTERNAL) $(call pkg,--cflags,$(PACKAGES)) -fPIC -MMD -MP -c -o $@ $<

# An example's page.html becomes the elements of an array, for page.c to include.
PAGES := $(patsubst %.html,$(B)/obj/%,$(wildcard examples/*/*.html))
$(B)/obj/examples/%: private INTERNAL = -I$(@D)
$(PAGES:%=%.o): %.o: %.inc
$(PAGES:%=%.inc): $(B)/obj/%.inc: %.html
	$(call say,OD)
	$(Q)mkdir -p $(@D)
	$(Q)od -An -v -tx1 $< | sed 's/ \(..\)/0x\1,/g' >$@

-include $(patsubst %.c,$(B)/obj/%.d,$(wildcard lib/*/*.c examples/*/*.c tests/unit/*/*.c tests/fuzz/*.c))
-include $(patsubst %.c,$(B)/pic/%.d,$(wildcard lib/*/*.c))

# A library also depends on its folder, whose time changes when a source file comes or goes.
define library
$(call archive,$1): $(patsubst %.c,$(B)/obj/%.o,$(call sources,$1)) lib/$1
	$$(call say,AR)
	$(Q)rm -f $$@
	$(Q)$(AR) rcs $$@ $$(filter %.o,$$^)

# The upper libraries link with libswale.so, so that one comes first. One segment for code and constants: with pages
# of its own for each, a small library would be one tenth padding.
$(call shared,$1): $(patsubst %.c,$(B)/pic/%.o,$(call sources,$1)) lib/$1 lib/$1/$(NAME_$1).map \
    $(if $(filter-out core,$1),$(call shared,core))
	$$(call say,LD)
	$(Q)$$(LINK) -shared $(if $(SAN),,-Wl$(comma)-z$(comma)defs) -Wl,--as-needed \
	  -Wl,-Bsymbolic-functions -Wl,--hash-style=gnu -Wl,-z,noseparate-code -Wl,-soname,lib$(NAME_$1).so.$(ABI) -Wl,--version-script=lib/$1/$(NAME_$1).map -o $$@ $$(filter %.o,$$^) \
	  $(if $(filter-out core,$1),-L$(B) -lswale) $$(call syslibs,$1)
	$(Q)ln -sf $$(@F) $(B)/lib$(NAME_$1).so.$(ABI)
	$(Q)ln -sf $$(@F) $(B)/lib$(NAME_$1).so
endef
$(foreach p,$(PARTS),$(eval $(call library,$p)))

define example
$(B)/examples/$1: $(patsubst %.c,$(B)/obj/%.o,$(wildcard examples/$1/*.c)) $(call archives,$(PARTS_$1))
	$$(call say,LD)
	$(Q)mkdir -p $$(@D)
	$(Q)$$(LINK) -o $$@ $$^ $$(call syslibs,$(PARTS_$1),$(PKGS_$1))
endef
$(foreach e,$(EXAMPLES),$(eval $(call example,$e)))

# A unit test of lib/<part> is linked with the helpers in its folder (whatever is not test_*.c), the part and the core.
define unit_test
$(patsubst %.c,$(B)/%,$2): $(patsubst %.c,$(B)/obj/%.o,$2 $(filter-out tests/unit/$1/test_% $(LEFT_OUT),$(wildcard tests/unit/$1/*.c))) \
    $(call archives,$1 $(TESTPARTS_$1))
	$$(call say,LD)
	$(Q)mkdir -p $$(@D)
	$(Q)$$(LINK) -o $$@ $$^ $$(call syslibs,$1 $(TESTPARTS_$1),cmocka $(TESTPKGS_$1))
endef
$(foreach t,$(UNIT_SOURCES),$(eval $(call unit_test,$(word 3,$(subst /, ,$t)),$t)))

# A test with a redis-server of its own is linked with the helpers in its folder and with the core's suite and crowd.
REDIS := $(call wanted,$(patsubst %.c,$(B)/%,$(wildcard tests/redis/test_*.c)))
$(B)/obj/tests/redis/%: private PACKAGES = $(PKGS_redis)
# Loops that may not be installed; only the adapters' test needs them, and tests what there is.
LOOPS = $(foreach l,libevent libuv,$(if $(wildcard /usr/include/$(if $(filter libuv,$l),uv.h,event2/event.h)),$l))
$(B)/obj/tests/redis/test_adapters.o: private PACKAGES = $(PKGS_redis) $(LOOPS)
$(B)/obj/tests/redis/test_adapters.o: private INTERNAL = -Ilib -Itests/unit $(if $(filter libevent,$(LOOPS)),-DHAVE_LIBEVENT) $(if $(filter libuv,$(LOOPS)),-DHAVE_LIBUV)
$(B)/tests/redis/test_adapters: private LOOP_LIBS = $(call pkg,--libs,$(LOOPS))
-include $(patsubst %.c,$(B)/obj/%.d,$(wildcard tests/redis/*.c))
$(patsubst %.c,$(B)/%,$(wildcard tests/redis/test_*.c)): $(B)/%: $(B)/obj/%.o $(patsubst %.c,$(B)/obj/%.o, \
    $(filter-out tests/redis/test_%,$(wildcard tests/redis/*.c)) $(wildcard tests/unit/core/conformance*.c) tests/unit/core/crowd.c tests/unit/redis/home.c) \
    $(call archives,redis)
	$(call say,LD)
	$(Q)mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $^ $(call syslibs,redis,cmocka) $(LOOP_LIBS)

## Running tests. tests/run.sh prints a line per test and `N passed, N failed` at the end.

.PHONY: check check-unit check-redis check-integration check-interop check-static check-browser check-valgrind soak

RUN = MAKEFLAGS=' -- $(MAKEOVERRIDES)' SWALE_BUILD='$(abspath $(B))' SWALE_DEFLATE='$(DEFLATE)' SWALE_INSTRUMENT='$(or $(SAN),$(COVERAGE:1=coverage))' \
  CC='$(CC)' PYTHON='$(PYTHON)' tests/run.sh

check: all $(UNIT) $(REDIS) | $(DEPS)
	@$(RUN) $(UNIT) $(REDIS) $(INTEGRATION) $(STATIC)
check-unit: $(UNIT) | $(DEPS)
	@$(RUN) $(UNIT)
check-redis: $(REDIS) | $(DEPS)
	@$(RUN) $(REDIS)
check-integration: all $(REDIS) | $(DEPS)
	@$(RUN) $(REDIS) $(INTEGRATION)
check-interop: all $(B)/tests/interop/peer | $(DEPS)
	@LIMIT=300 $(RUN) $(INTEROP)
check-static: all | $(DEPS)
	@$(RUN) $(STATIC)
check-browser: all | $(DEPS)
	@$(RUN) $(BROWSER)
check-valgrind: $(UNIT) | $(DEPS)
	@LIMIT=900 WRAP='valgrind --quiet --leak-check=full --error-exitcode=99' $(RUN) $(UNIT)
soak: all | $(DEPS)
	@LIMIT=$(or $(SOAK_LIMIT),7200) $(RUN) $(SOAK)

# The C half of a layer, Python having the other one.
-include $(patsubst %.c,$(B)/obj/%.d,$(wildcard tests/interop/*.c))
$(B)/tests/interop/peer: $(B)/obj/tests/interop/peer.o $(call archives,json redis)
	$(call say,LD)
	$(Q)mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $^ $(call syslibs,json redis)

## Coverage of lib/ by the unit and integration tests.

.PHONY: coverage
coverage: | $(DEPS)
	@rm -rf $(B)/coverage
	@LIMIT=300 $(MAKE) --no-print-directory COVERAGE=1 CC=gcc check-unit
	@LIMIT=300 $(MAKE) --no-print-directory COVERAGE=1 CC=gcc check-integration
	@gcovr --root . --filter lib/ --print-summary --fail-under-line $(COVERAGE_MIN) --fail-under-branch $(BRANCHES_MIN) \
	  $(B)/coverage/obj/lib

## Simulation: `make simulate SEED=7 RUNS=100 ARGS=--trace`. Faults: real ones, on loopback, FAULT_SECONDS (60) for each kind that
## takes its time. Both against whatever SAN says.

.PHONY: simulate check-simulation check-faults
SEED ?= 1
RUNS ?= 100
LIFETIMES ?= $(if $(SAN),50000,400000)
FAULTS := $(call wanted,$(wildcard tests/faults/*.py))

-include $(patsubst %.c,$(B)/obj/%.d,$(wildcard tests/simulation/*.c))
$(B)/tests/simulation: $(patsubst %.c,$(B)/obj/%.o,$(filter-out $(LEFT_OUT),$(wildcard tests/simulation/*.c))) $(call archives,ws testing)
	$(call say,LD)
	$(Q)mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $^ $(call syslibs,ws)

simulate: $(B)/tests/simulation | $(DEPS)
	$< --seed $(SEED) --runs $(RUNS) $(ARGS)
check-simulation: $(B)/tests/simulation | $(DEPS)
	$< --seed $(SEED) --lifetimes $(LIFETIMES)
check-faults: all | $(DEPS)
	@LIMIT=$$(($(or $(FAULT_SECONDS),60) * 2 + 240)) $(RUN) $(FAULTS)

## Fuzzing, with clang's libFuzzer. New finds go to the build folder, tests/fuzz/corpus is only read.

.PHONY: fuzz fuzz-smoke fuzz-programs
fuzz: | $(DEPS)
	@$(if $(FUZZ),,echo 'fuzz: there is no tests/fuzz/*.c') \
	$(if $(FUZZ),$(MAKE) --no-print-directory B=$(B)/fuzz CC=$(CLANG) SAN=fuzzer-no-link$(comma)address$(comma)undefined fuzz-programs)

fuzz-programs: $(patsubst tests/fuzz/%.c,$(B)/%,$(FUZZ))
$(patsubst tests/fuzz/%.c,$(B)/%,$(FUZZ)): $(B)/%: $(B)/obj/tests/fuzz/%.o $(ARCHIVES)
	$(call say,LD)
	$(Q)$(LINK) -fsanitize=fuzzer -o $@ $< $(call archives,$(UPPER)) $(call syslibs,$(UPPER))

fuzz-smoke: fuzz
	@$(if $(FUZZ),$(MAKE) --no-print-directory $(FUZZ:tests/fuzz/%.c=smoke-%))

# One for itself, so that -j runs several at once.
smoke-%:
	@mkdir -p $(B)/fuzz/found/$*
	@$(B)/fuzz/$* -max_total_time=$(FUZZ_SECONDS) -timeout=10 -artifact_prefix=$(B)/fuzz/$*- $(B)/fuzz/found/$* \
	    $(wildcard tests/fuzz/corpus/$*) >$(B)/fuzz/$*.log 2>&1 || \
	  { tail -n 60 $(B)/fuzz/$*.log; echo "fuzz: $* failed"; exit 1; }
	@echo "  ok    $*: $$(grep -o '^Done.*' $(B)/fuzz/$*.log), $$(ls $(B)/fuzz/found/$* | wc -l) inputs found"

# The same harnesses under AFL++, where Debian's afl++ is installed.
.PHONY: fuzz-afl
fuzz-afl: | $(DEPS)
	@command -v afl-fuzz >/dev/null || { echo 'fuzz-afl: install afl++ first'; exit 1; }
	@$(MAKE) --no-print-directory B=$(B)/afl CC=afl-clang-fast fuzz-programs
	@mkdir -p $(B)/afl/found; for f in $(FUZZ:tests/fuzz/%.c=%); do \
	  AFL_NO_UI=1 AFL_NO_AFFINITY=1 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 afl-fuzz -V $(FUZZ_SECONDS) \
	    -i tests/fuzz/corpus/$$f -o $(B)/afl/found/$$f -- $(B)/afl/$$f >$(B)/afl/$$f.log 2>&1 || { tail -n 20 $(B)/afl/$$f.log; exit 1; }; \
	  stats=$(B)/afl/found/$$f/default/fuzzer_stats; \
	  echo "  $$f: $$(sed -n 's/^execs_done *: //p' $$stats) executions, $$(sed -n 's/^saved_crashes *: //p' $$stats) crashes"; \
	  grep -q '^saved_crashes *: 0$$' $$stats || exit 1; \
	done

# What the fuzzers of the core have found, on a 32-bit machine; where gcc-multilib is installed. (Debian has no 32-bit wslay here.)
.PHONY: check-32 replay-32
REPLAYS := $(patsubst %,$(B)/replay/fuzz_%,api message names routes)
check-32: | $(DEPS)
	@$(MAKE) --no-print-directory B=$(B)/32 CC='gcc -m32' CFLAGS='-O1 -g -Wno-psabi' replay-32
replay-32: $(REPLAYS)
	@for r in $(REPLAYS); do $$r tests/fuzz/corpus/$${r##*/}/* || exit 1; done
$(B)/replay/%: $(B)/obj/tests/fuzz/%.o $(B)/obj/tests/support/replay.o $(call archives,testing)
	$(call say,LD)
	$(Q)mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $^ -latomic

## Benchmarks: `make bench` takes about 20 minutes, `make bench-quick` less than one; ARGS goes to tests/bench/run.py. What
## each program consists of besides its own file and bench.c, and packages that may be missing.

.PHONY: bench bench-quick bench-programs bench-instructions bench-memory
BENCH_load         := fanout clients process
BENCH_layer        := world counting
BENCH_memory       := wire world counting process
BENCH_instructions := wire world counting
BENCH_redis        := world process
BENCH_server_floor := bare
BENCH_server_swale := bare
BENCH_server_wslay := bare
BENCH_PROGRAMS := load layer memory instructions redis redis_bare server_floor server_swale server_wslay
BENCHPARTS_redis := redis
PKGS_redis_bare := hiredis
PKGS_server_lws := libwebsockets

$(B)/obj/tests/bench/%.o: private PACKAGES = $(PKGS_$*)
-include $(patsubst %.c,$(B)/obj/%.d,$(wildcard tests/bench/*.c))

define bench
$(B)/tests/bench/$1: $(patsubst %,$(B)/obj/tests/bench/%.o,$1 bench $(BENCH_$1)) $(call archives,ws $(BENCHPARTS_$1))
	$$(call say,LD)
	$(Q)mkdir -p $$(@D)
	$(Q)$$(LINK) -o $$@ $$^ $$(call syslibs,ws $(BENCHPARTS_$1),$(PKGS_$1))
endef
$(foreach b,$(BENCH_PROGRAMS) server_lws,$(eval $(call bench,$b)))

bench-programs: $(BENCH_PROGRAMS:%=$(B)/tests/bench/%) $(patsubst %,$(B)/examples/%,$(filter io_uring,$(EXAMPLES)))
	@! pkg-config --exists libwebsockets || $(MAKE) --no-print-directory $(B)/tests/bench/server_lws
bench: bench-programs | $(DEPS)
	$(PYTHON) tests/bench/run.py --build $(B)/tests/bench $(ARGS)
bench-quick: bench-programs | $(DEPS)
	$(PYTHON) tests/bench/run.py --build $(B)/tests/bench --quick $(ARGS)
bench-instructions: $(B)/tests/bench/instructions | $(DEPS)
	$(PYTHON) tests/bench/instructions.py $< $(ARGS)
bench-memory: $(B)/tests/bench/memory | $(DEPS)
	$< bars

## Running examples.

.PHONY: run run-echo
run: $(B)/examples/notifications | $(DEPS)
	$< $(ARGS)
run-echo: $(B)/examples/echo | $(DEPS)
	$< $(PORT)

## Installing.

.PHONY: install uninstall
HEADERS := $(wildcard include/swale/*.h)
ADAPTERS := $(wildcard include/swale/adapters/*.h)
to_include = $(DESTDIR)$(PREFIX)/include/swale
to_lib     = $(DESTDIR)$(LIBDIR)

install: libs
	install -d $(to_include)/adapters $(to_lib)/pkgconfig
	install -m 644 $(HEADERS) $(to_include)
	install -m 644 $(ADAPTERS) $(to_include)/adapters
	install -m 644 $(ARCHIVES) $(to_lib)
	install -m 755 $(SHARED) $(to_lib)
	@set -e; for name in $(foreach p,$(PARTS),lib$(NAME_$p)); do \
	  ln -sf $$name.so.$(VERSION) $(to_lib)/$$name.so.$(ABI); \
	  ln -sf $$name.so.$(VERSION) $(to_lib)/$$name.so; \
	  sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR:$(PREFIX)/%=$${prefix}/%)|' -e 's|@VERSION@|$(VERSION)|' \
	    -e 's|@ZLIB@|$(ZLIB:%=, %)|' \
	    pkgconfig/$$name.pc.in >$(to_lib)/pkgconfig/$$name.pc; \
	  chmod 644 $(to_lib)/pkgconfig/$$name.pc; \
	done
	@[ -n '$(DESTDIR)' ] || [ "$$(id -u)" -ne 0 ] || ldconfig

uninstall:
	rm -f $(HEADERS:include/swale/%=$(to_include)/%) $(ADAPTERS:include/swale/%=$(to_include)/%)
	rm -f $(foreach p,$(PARTS),$(addprefix $(to_lib)/lib$(NAME_$p),.a .so .so.$(ABI) .so.$(VERSION)))
	rm -f $(foreach p,$(PARTS),$(to_lib)/pkgconfig/lib$(NAME_$p).pc)
	-rmdir $(to_include)/adapters $(to_include)

## The reference, from the headers.

.PHONY: docs
docs:
	$(PYTHON) docs/generate.py

## Layout of the code.

.PHONY: format format-check
FORMATTED = $(wildcard lib/*/*.[ch] include/swale/*.h examples/*/*.[ch] tests/*/*.[ch] tests/*/*/*.[ch])
format:
	clang-format-14 -i $(FORMATTED)
format-check: | $(DEPS)
	clang-format-14 --dry-run -Werror $(FORMATTED)

## Debian packages. Only what is missing is installed. deps-redis is for check-interop, deps-browser for check-browser.

.PHONY: deps deps-redis deps-ci deps-browser deps-bench
PACKAGES_deps := build-essential pkg-config libwslay-dev nettle-dev zlib1g-dev libjansson-dev libhiredis-dev libmicrohttpd-dev \
  libcmocka-dev libmsgpack-dev redis-server python3 python3-websockets
PACKAGES_deps-redis := python3-django-channels python3-channels-redis python3-msgpack daphne
PACKAGES_deps-ci := clang libclang-rt-14-dev llvm clang-format-14 valgrind gcovr universal-ctags gcc-multilib libevent-dev libuv1-dev
PACKAGES_deps-browser := chromium chromium-driver python3-selenium $(PACKAGES_deps-redis)
# Peers to compare with, the io_uring host, charts. The benchmarks do without any of them, and say so.
PACKAGES_deps-bench := gnuplot-nox liburing-dev libwebsockets-dev nginx libnginx-mod-nchan nodejs node-ws daphne \
  python3-django-channels

deps deps-redis deps-ci deps-browser deps-bench:
	@missing=; for package in $(PACKAGES_$@); do \
	  case $$(dpkg-query -W -f='$${db:Status-Status}' $$package 2>&1) in installed*) ;; *) missing="$$missing $$package" ;; esac; \
	done; \
	if [ -z "$$missing" ]; then echo '$@: all packages are installed'; exit 0; fi; \
	echo "$@: missing:$$missing"; \
	if ! command -v apt-get >/dev/null; then echo '$@: no apt-get here, please install their like' >&2; exit 1; fi; \
	if [ "$$(id -u)" -eq 0 ]; then sudo=; elif command -v sudo >/dev/null; then sudo=sudo; \
	else echo '$@: only root may install packages, and there is no sudo' >&2; exit 1; fi; \
	$$sudo apt-get update -q && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing
# One apt at a time, also with -j.
deps-redis: | $(filter deps,$(DEPS))
deps-ci: | $(filter deps deps-redis,$(DEPS))
deps-browser: | $(filter deps deps-redis deps-ci,$(DEPS))
deps-bench: | $(filter deps deps-redis deps-ci deps-browser,$(DEPS))

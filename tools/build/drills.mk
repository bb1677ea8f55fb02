# Drills: what an operations team does to a running Ward, done and measured. They take minutes, so `make test` leaves them out.

DRILLS := $(PROGRAMS) $(PLUGINS) $(TOOLS)
# The scripts with which a Galera node sends its state to another are in the package mariadb-server, which would also start a database
# of the system. Only they are taken from it.
SST := $(BUILD)/galera
deps-drill: ## install what the drills need: mariadb-backup, mariadb-binlog, Galera, HAProxy, dnsmasq
	@tools/deps-more tools/packages-drill.txt
	@[ -e /usr/bin/wsrep_sst_mariabackup ] || [ -e $(SST)/usr/bin/wsrep_sst_mariabackup ] || { mkdir -p $(SST) && cd $(SST) && rm -f mariadb-server_*.deb && \
	apt-get -q download mariadb-server && dpkg-deb --fsys-tarfile mariadb-server_*.deb | tar -x --wildcards './usr/bin/wsrep_sst_*'; }

restore-drill: $(DRILLS) ## a backup under load, a disaster, everything back to a chosen second: rpo_s, rto_s in build/results/restore-drill.json
	@BUILD=$(BUILD) $(HOLD) tools/run-node tests/drills/restore.test.js && cat $(BUILD)/results/restore-drill.json
galera-test: $(DRILLS) ## three Galera nodes: the writer is killed under load, then two writers are noticed; figures in build/results/galera-test.json
	@rm -f $(BUILD)/results/galera-test.json; if [ ! -e /usr/lib/galera/libgalera_smm.so ]; then echo "galera-test: skipped: galera-4 is not here: make deps-drill"; \
	else BUILD=$(BUILD) $(HOLD) tools/run-node tests/drills/galera.test.js && cat $(BUILD)/results/galera-test.json; fi
scale-test: $(DRILLS) ## three replicas behind a DNS name, one killed and one added under load: spread_after_60s in build/results/scale-test.json
	@rm -f $(BUILD)/results/scale-test.json; if [ ! -e /usr/sbin/dnsmasq ]; then echo "scale-test: skipped: dnsmasq is not here: make deps-drill"; \
	else BUILD=$(BUILD) $(HOLD) tools/run-node tests/drills/scale.test.js && cat $(BUILD)/results/scale-test.json; fi
upgrade-test: $(DRILLS) ## the version BASE (the last tag) and this one side by side for MINUTES (10), then rolled back: lost in build/results/upgrade-test.json
	@rm -f $(BUILD)/results/upgrade-test.json; former=$$(CC='$(CC)' tests/tools/base $(BASE)) && \
	FORMER=$$former BUILD=$(BUILD) TIMEOUT_S=3600 $(HOLD) tools/run-node tests/drills/upgrade.test.js && cat $(BUILD)/results/upgrade-test.json
pictures: $(DRILLS) ## every dashboard drawn from its own queries while a hospital works for MINUTES (9): build/pictures/*.svg
	@BUILD=$(BUILD) node tests/drills/pictures/pictures.js $(BUILD)/pictures $$(( $(or $(MINUTES),9) * 60 ))
.PHONY: deps-drill pictures restore-drill galera-test scale-test upgrade-test

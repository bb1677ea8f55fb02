# Drills: what an operations team does to a running Ward, done and measured. They take minutes, so `make test` leaves them out.

DRILLS := $(PROGRAMS) $(PLUGINS) $(TOOLS)
deps-drill: ## install what the drills need: mariadb-backup, mariadb-binlog
	@tools/deps-more tools/packages-drill.txt

restore-drill: $(DRILLS) ## a backup under load, a disaster, everything back to a chosen second: rpo_s, rto_s in build/results/restore-drill.json
	@BUILD=$(BUILD) tools/run-node tests/drills/restore.test.js && cat $(BUILD)/results/restore-drill.json
.PHONY: deps-drill restore-drill

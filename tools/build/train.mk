# The models that Ward trains itself: one command each, deterministic, from public data in WARD_DATA.
# Debian's Python; another on the path has no PyTorch. One thread: sums come out in the same order everywhere.
TRAIN := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3

deps-train: ## install what training needs: Debian's PyTorch, scikit-learn, ONNX
	@tools/deps-more tools/packages-train.txt

train-splits: ## write training/splits/*.tsv again
	@$(TRAIN) training/diagnosis/splits.py training/splits

train-chest: $(BUILD)/plugins/cpu.so ## pneumonia on a chest film: trains models/chest/1 anew; ten minutes
	@$(TRAIN) training/diagnosis/chest.py models/chest/1 $(BUILD)

train-heart: $(BUILD)/plugins/cpu.so ## heart disease from a table: trains models/heart_{tree,svm,mlp}/1 anew
	@$(TRAIN) training/diagnosis/heart.py models $(BUILD)

train-test: $(BUILD)/plugins/cpu.so ## splits without leaks, manifests without gaps, answers as PyTorch and scikit-learn give them
	@$(TRAIN) -m unittest discover -s training/diagnosis -p '*_test.py'
.PHONY: deps-train train-splits train-chest train-heart train-test

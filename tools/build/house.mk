# The shape of the code, measured: cycles of files and folders, long files, crowded folders, lines.
house: build ## cycles of files and folders, long files, crowded folders and lines of the product, into build/results/house.json
	@BUILD=$(BUILD) tools/house build/results/house.json
.PHONY: house

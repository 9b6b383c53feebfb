# The commands of development, for people and for CI. Run them inside the environment of CONTRIBUTING.md.

.PHONY: check lint format types imports test slow docs samples webassembly model base contexts pictures tables

check: lint format types imports test

lint:
	ruff check .

format:
	ruff format --check .

types:
	mypy

imports:
	lint-imports

test:
	python -m pytest

slow:
	python -m pytest -m slow

# The documentation, in build/docs/index.html.

docs:
	sphinx-build -W --keep-going -b html docs build/docs

# Generated files that are kept in git.

samples:
	python samples/make_samples.py

# The C sources in WebAssembly, for `export --web`, by Debian's clang and lld 14.0.6. Other versions may give other bytes.

DEVICE_C = batchdigits/device/c
WEB_C = batchdigits/web/c
WASM = batchdigits/web/digits.wasm
ONLY_FOR_BOARDS = $(addprefix $(DEVICE_C)/,digits_check.c digits_classify.c digits_nano.c)
WASM_SOURCES = $(filter-out $(ONLY_FOR_BOARDS),$(sort $(wildcard $(WEB_C)/*.c $(DEVICE_C)/*.c)))
WASM_EXPORTS = __heap_base digits_load digits_run digits_make_grey digits_make_glyph digits_glyph digits_logits
comma = ,

webassembly:
	clang --target=wasm32 -std=c99 -Wall -Wextra -Werror -O2 -mbulk-memory -fno-math-errno -fvisibility=hidden -nostdlib \
		-I$(WEB_C)/libc -I$(WEB_C) -I$(DEVICE_C) $(WASM_SOURCES) -o '$(WASM)' \
		-Wl,--no-entry,--strip-all,--stack-first,-z,stack-size=262144 $(WASM_EXPORTS:%=-Wl$(comma)--export=%)

# Each training takes up to an hour on two cores. After an interruption, add RESUME=--resume to the same command.
# The built-in network goes on from one that learned from MNIST alone, training/base.keras, with all data and three
# teachers; in the end it is averaged with it, three parts to one.

SOURCES = pendigits uji2 pen_small swiss_forms swiss_crops crossed_out pen_outliers
DATA = --data mnist $(SOURCES:%=--data training/%.npz) --data exports/rendered_cells.npz

exports/rendered_cells.npz:
	python training/render_cells.py -o $@

exports/teacher-%.keras: exports/rendered_cells.npz
	batchdigits train $(DATA) --recipe teacher --seed $* -o $@ $(RESUME)

TEACHERS = exports/teacher-2.keras exports/teacher-3.keras training/base.keras

exports/student.keras: $(TEACHERS)
	batchdigits train $(DATA) --recipe best --init training/base.keras $(TEACHERS:%=--teacher %) \
		--learning-rate 1e-3 --iterations 50000 -o $@ $(RESUME)

model: exports/student.keras
	batchdigits train $(DATA) --recipe best --iterations 0 --init $< --init $< --init $< --init training/base.keras \
		-o batchdigits/pretrained/digits.keras
	batchdigits export --tflite $(DATA) --model batchdigits/pretrained/digits.keras -o batchdigits/pretrained/digits.tflite
	python training/add_second_look.py $(DATA) batchdigits/pretrained/digits.keras batchdigits/pretrained/digits.tflite

# The small one learns from the built-in one, with the same data, and then from MNIST alone, with most images as they are.
# The average of both is better than either.

DIGITS_AND_BASE = --teacher batchdigits/pretrained/digits.keras --teacher training/base.keras

exports/tiny-first.keras: exports/rendered_cells.npz
	batchdigits train $(DATA) --recipe tiny --teacher batchdigits/pretrained/digits.keras --iterations 20000 -o $@ $(RESUME)

exports/tiny-second.keras: exports/tiny-first.keras
	batchdigits train --recipe tiny --init $< $(DIGITS_AND_BASE) --learning-rate 1e-3 --iterations 16000 --unchanged 0.6 \
		-o $@ $(RESUME)

exports/tiny.keras: exports/tiny-second.keras
	batchdigits train $(DATA) --recipe tiny --iterations 0 --init exports/tiny-first.keras --init $< -o $@

batchdigits/pretrained/tiny.tflite: exports/tiny.keras
	batchdigits export --tflite $(DATA) --model $< -o $@

# The smallest one learns from all data first, and then from MNIST alone, with most images as they are. Each of the two
# takes about fifteen minutes.

exports/nano-first.keras: exports/rendered_cells.npz
	batchdigits train $(DATA) --recipe nano $(DIGITS_AND_BASE) -o $@ $(RESUME)

exports/nano.keras: exports/nano-first.keras
	batchdigits train --recipe nano --init $< $(DIGITS_AND_BASE) --learning-rate 1e-3 --iterations 16000 --unchanged 0.6 \
		-o $@ $(RESUME)

batchdigits/pretrained/nano.tflite: exports/nano.keras
	batchdigits export --tflite --model $< -o $@

# training/base.keras is kept in git: the best of four by the development sets, trained further from a first one.

exports/base-teacher.keras:
	batchdigits train --recipe teacher --seed 2 -o $@ $(RESUME)

exports/base-first.keras: exports/base-teacher.keras
	batchdigits train --recipe best --teacher $< -o $@ $(RESUME)

AGAIN = --learning-rate 5e-4 --iterations 6000

exports/base-%.keras: exports/base-first.keras
	batchdigits train --recipe best --init $< --teacher exports/base-teacher.keras $(AGAIN) --seed $* -o $@ $(RESUME)

base: $(foreach seed,1 2 3 4,exports/base-$(seed).keras)
	cp exports/base-4.keras training/base.keras

# The network that reads digits in their context, and looks at glyphs in doubt again. With a new one, the numbers that
# add_second_look.py prints go into second_look.py, and the cards of the built-in model have to be written again by it.

exports/contexts.npz:
	python training/render_contexts.py -o $@

contexts: exports/contexts.npz exports/rendered_cells.npz
	python training/train_contexts.py $< $(DATA) -o batchdigits/pretrained/contexts.tflite --bfloat16 $(RESUME)

PICTURED = samples/digits/2 samples/digits/4 samples/digits/7 samples/broken

pictures:
	python docs/make_step_pictures.py
	python docs/make_review_pictures.py
	python docs/make_field_pictures.py
	python docs/make_web_picture.py
	-batchdigits preview $(PICTURED) --model batchdigits/pretrained/digits.tflite -o docs/images/preview.png

# The figures of the documentation. SETS is a folder of labelled folders.

SETS = ../shared/data/dev

tables:
	python benchmarks/accuracy_table.py --sets $(SETS)
	python benchmarks/polarity.py --sets $(SETS)
	python benchmarks/form_cells.py --sets $(SETS) --per-kind 300
	python benchmarks/c_normaliser.py --sets $(SETS)
	python benchmarks/web_page.py --sets $(SETS)
	python benchmarks/lesson_seeds.py
	python benchmarks/export_table.py
	python benchmarks/model_sizes.py --sets $(SETS)
	python benchmarks/boards.py
	python benchmarks/startup.py
	python benchmarks/classifier_latency.py
	python benchmarks/normaliser_speed.py
	python benchmarks/confidence.py --sets $(SETS) -o docs/images/confidence.png
	python benchmarks/few_shot.py --sets $(SETS)
	python benchmarks/corrections.py --sets $(SETS)
	python benchmarks/review_page.py
	python benchmarks/audit_bounds.py
	python benchmarks/read_fields.py --fields $(SETS)/../fields
	python benchmarks/read_pages.py --fields $(SETS)/../fields --comb cdigital=3
	python benchmarks/read_speed.py
	python benchmarks/read_separators.py
	python benchmarks/training_speed.py
	python benchmarks/archive_speed.py
	python benchmarks/classify_speed.py --rounds 5 -o docs/images/speed.png
	python benchmarks/ray_overhead.py --rounds 1

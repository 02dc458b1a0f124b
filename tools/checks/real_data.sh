#!/usr/bin/env bash
# One real pipeline: it runs, its published IDs are unique, one thread and two give the same IDs, its exports agree.
set -euo pipefail
tessera=$1 pipeline=$PWD/$2 work=$3 python=$4
checks=$(cd "$(dirname "$0")" && pwd)
[[ $python = /* ]] || python=$PWD/$python
mkdir -p "$work/one" "$work/two"
name=$(basename "$pipeline" .yaml)

for threads in one two; do
  count=$([ $threads = one ] && echo 1 || echo 2)
  (cd "$work/$threads" && "$tessera" run "$pipeline" --threads "$count" --quiet)
  "$tessera" export "$work/$threads/runs/$name/store" --format csv --to "$work/$threads.csv" --quiet
done
cmp "$work/one.csv" "$work/two.csv" || { echo "$name: --threads 1 and 2 differ" >&2; exit 1; }

items=$(($(wc -l <"$work/one.csv") - 1))
unique=$("$python" - "$work/one.csv" <<'PY'
import csv, sys
print(len({row["semantic_id"] for row in csv.DictReader(open(sys.argv[1], encoding="utf-8"))}))
PY
)
[ "$items" = "$unique" ] || { echo "$name: $items items share $unique semantic IDs" >&2; exit 1; }
"$python" "$checks/check_report.py" "$(ls -td "$work"/one/runs/"$name"/runs/*/ | head -n 1)"
echo "$name: $items items, $unique semantic IDs, the same on one thread and two"

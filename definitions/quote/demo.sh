#!/bin/sh
# Run the insurance quote once, and say what can be done with it afterwards.
set -eu
folder=$(dirname "$0")
name="demo-$(date +%H%M%S)"
store="demo.db"
STATELANG_DEMO_SECONDS=${STATELANG_DEMO_SECONDS:-0.6}
export STATELANG_DEMO_SECONDS

statelang run "$folder/quote.asl.json" --name "$name" --store "$store" \
    -i '{"number": 7, "cover": "car", "visit": {"email": "grace@example.com", "clicks": 6, "minutes": 8}}'

cat <<END

Every transition of that is in demo.db. Look at it:
    .venv/bin/statelang history $name --store $store
    .venv/bin/statelang show $name --store $store

Kill one and resume it where it stood:
    .venv/bin/statelang run $folder/quote.asl.json --name mine --store $store -i @$folder/input.json &
    sleep 2; kill -9 \$!; wait
    .venv/bin/statelang show mine --store $store
    .venv/bin/statelang resume mine --store $store --bind $folder/quote.bindings.yaml
END

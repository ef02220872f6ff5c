#!/usr/bin/env bash
# Runs every test; the .NET SDK of global.json is all they need, beside a font, which is installed here where there is none. Ends with
# "N passed, N failed" and, where some were skipped, ", N skipped".
set -uo pipefail
cd "$(dirname "$0")"
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 # a bare Debian has no ICU

if ! command -v dotnet >/dev/null; then
  echo "The .NET SDK of global.json is needed: dotnet is not on the PATH." >&2
  echo "0 passed, 1 failed"
  exit 1
fi

# Figures need a font to have text: a bare Debian has none.
if ! find /usr/share/fonts ~/.fonts ~/.local/share/fonts -name '*.ttf' 2>/dev/null | grep -q . && command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ]; then
  (apt-get update -qq && apt-get install -qq -y --no-install-recommends fonts-dejavu-core) >/dev/null 2>&1 || echo "No font could be installed: figures will have no text." >&2
fi

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

dotnet build DenoiseService.sln -c Release --nologo -v quiet || { echo "0 passed, 1 failed"; exit 1; }

passed=0 failed=0 skipped=0
for project in tests/*/*.csproj; do
  name=$(basename "$project" .csproj)
  # blame-hang: a test that waits for ever ends the run with its name instead of eating the machine's time.
  dotnet test "$project" -c Release --no-build --nologo --logger "trx;LogFileName=$results/$name.trx" --blame-hang --blame-hang-timeout 10m --blame-hang-dump-type none --results-directory "$results/$name" || failed_run=1
  counters=$(grep -o '<Counters [^>]*>' "$results/$name.trx" 2>/dev/null)
  if [ -z "$counters" ]; then
    echo "$name wrote no results" >&2
    failed=$((failed + 1))
    continue
  fi
  count() { sed -n "s/.* $1=\"\([0-9]*\)\".*/\1/p" <<<"$counters"; }
  passed=$((passed + $(count passed)))
  failed=$((failed + $(count failed) + $(count error) + $(count timeout) + $(count aborted)))
  skipped=$((skipped + $(count total) - $(count executed)))
done

[ "${failed_run:-0}" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
if [ "$skipped" -gt 0 ]; then echo "$passed passed, $failed failed, $skipped skipped"; else echo "$passed passed, $failed failed"; fi
[ "$failed" -eq 0 ]

#!/usr/bin/env bash
# Runs every test; needs the .NET SDK of global.json. What else they want (PostgreSQL, a font for figures) is installed from the distribution where
# that is possible; without it the tests that need it are skipped, and figures have no text. Ends with "N passed, N failed" and, where some were
# skipped, ", N skipped". Where the processor has 512-bit vectors, the tests of vector code run, and count, a second time without them.
set -uo pipefail
cd "$(dirname "$0")"
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 # a bare Debian has no ICU
export OMP_WAIT_POLICY=passive # libtorch's threads would wait for each other actively, and hardly get on beside other processes

if ! command -v dotnet >/dev/null; then
  echo "The .NET SDK of global.json is needed: dotnet is not on the PATH." >&2
  echo "0 passed, 1 failed"
  exit 1
fi

if [ "$(id -u)" -eq 0 ]; then as_root=(env); elif sudo -n true 2>/dev/null; then as_root=(sudo); else as_root=(); fi
install() { # packages of the distribution, quietly
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
}
if command -v apt-get >/dev/null && [ ${#as_root[@]} -gt 0 ]; then
  # PostgreSQL: the tests start a server of their own from the program files; the distribution's cluster is never made or started.
  if ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null && ! command -v initdb >/dev/null; then
    echo "Installing PostgreSQL for the tests"
    # postgresql-common goes first: it reads the setting that keeps the package from making a cluster.
    { "${as_root[@]}" apt-get update -q && install postgresql-common &&
      echo "create_main_cluster = false" | "${as_root[@]}" tee -a /etc/postgresql-common/createcluster.conf >/dev/null && install postgresql; } >/dev/null || echo "It cannot be installed here: its tests are skipped." >&2
  fi

  if ! find /usr/share/fonts ~/.fonts ~/.local/share/fonts -name '*.ttf' 2>/dev/null | grep -q .; then
    echo "Installing a font for the figures"
    { "${as_root[@]}" apt-get update -q && install fonts-dejavu-core; } >/dev/null || echo "It cannot be installed here: figures have no text." >&2
  fi
fi

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

dotnet build DenoiseService.sln -c Release --nologo -v quiet || { echo "0 passed, 1 failed"; exit 1; }

passed=0 failed=0 skipped=0
run() { # name of the results, project, further arguments
  local name=$1 project=$2 counters
  shift 2
  # blame-hang: a test that waits for ever ends the run with its name instead of eating the machine's time.
  dotnet test "$project" -c Release --no-build --nologo --logger "trx;LogFileName=$results/$name.trx" --blame-hang --blame-hang-timeout 10m --blame-hang-dump-type none --results-directory "$results/$name" "$@" || failed_run=1
  counters=$(grep -o '<Counters [^>]*>' "$results/$name.trx" 2>/dev/null)
  if [ -z "$counters" ]; then
    echo "$name wrote no results" >&2
    failed=$((failed + 1))
    return
  fi
  count() { sed -n "s/.* $1=\"\([0-9]*\)\".*/\1/p" <<<"$counters"; }
  passed=$((passed + $(count passed)))
  failed=$((failed + $(count failed) + $(count error) + $(count timeout) + $(count aborted)))
  skipped=$((skipped + $(count total) - $(count executed)))
}

for project in tests/*/*.csproj; do run "$(basename "$project" .csproj)" "$project"; done
if grep -qw avx512f /proc/cpuinfo 2>/dev/null; then
  echo "Once more as on a processor without 512-bit vectors"
  DOTNET_EnableAVX512=0 ONEDNN_MAX_CPU_ISA=AVX2 run Model.Tests.256 tests/Model.Tests/Model.Tests.csproj --filter Uses=Vectors
fi

[ "${failed_run:-0}" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
if [ "$skipped" -gt 0 ]; then echo "$passed passed, $failed failed, $skipped skipped"; else echo "$passed passed, $failed failed"; fi
[ "$failed" -eq 0 ]

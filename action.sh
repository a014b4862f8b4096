#!/usr/bin/env bash
# Is a change of labels or of settings for the worse? Compares what stands in a git repository with the commit that it
# grew from. action.yml runs this on pull requests; by hand, with rubrique on the path and from within the repository:
#
#     LABELS=labels.csv BASE=main bash action.sh
#
# The other variables are the inputs of action.yml. What has changed decides how it is compared:
#
# - settings: both are cross-validated on the same labels and the same folds;
# - labels: each side's model learns from its own labels, and both are judged on the base's rows with split = test, which
#   neither has learnt from. Settings that change at the same time are each side's own.
#
# Exit codes are the program's: 0 not worse, or it cannot be told; 1 worse, or the labels have faults; 5 it cannot be told
# and REQUIRE_EVIDENCE is true; 2, 3 and 4 for what cannot be read or compared.
set -eo pipefail

labels=${LABELS:?is not set: which labels?}
labels=${labels%/}
config=${CONFIG:-rubrique.toml}
# Each option begins with two dashes; what stands before the next one is its value, which may hold spaces.
options=()
read -r -d '' rest <<< "${OPTIONS:-}" || true
while [[ $rest =~ ^(.*[[:space:]])?(--[^[:space:]=]+)[[:space:]=]*(.*[^[:space:]])?[[:space:]]*$ ]]; do
    options=("${BASH_REMATCH[2]}" ${BASH_REMATCH[3]:+"${BASH_REMATCH[3]}"} "${options[@]}")
    rest=${BASH_REMATCH[1]}
done
# What begins with no dashes is the program's to refuse.
options=(${rest:+"$rest"} "${options[@]}")
seed=${SEED:-0}

# Says something in the log and in the step summary.
say() {
    echo "$1"
    echo "$1" >> "${GITHUB_STEP_SUMMARY:-/dev/null}"
}

# Shows a file in the log, where a cell of the labels may look like a command to the runner.
show() {
    local token
    token=$(basename "$work")
    if [ "${GITHUB_ACTIONS:-false}" = true ]; then echo "::stop-commands::$token"; fi
    cat "$1"
    if [ "${GITHUB_ACTIONS:-false}" = true ]; then echo "::$token::"; fi
}

# `base` and `head` are the two trees of files; a side is one of these names.
head=$(git rev-parse --show-toplevel) || exit 2
cd "$head"
if ! since=$(git merge-base "${BASE:?is not set: compare with which branch or commit?}" HEAD); then
    echo "rubrique: no common commit with $BASE: does the checkout have its history (fetch-depth: 0)?" >&2
    exit 2
fi
work=$(mktemp -d)
trap 'rm -rf "$work"; git -C "$head" worktree prune' EXIT
base=$work/base
git worktree add --quiet --detach "$base" "$since"

# Where nothing is compared the file for dashboards says so.
if [ -n "$JUNIT" ]; then
    mkdir -p "$(dirname "$JUNIT")"
    echo '<testsuites name="rubrique" tests="0" failures="0" errors="0"/>' > "$JUNIT"
fi

# Whether files differ from the base; of files that git does not know yet nothing is seen.
changed() { ! git diff --quiet "$since" -- "$@"; }

if [ -d "$labels" ]; then
    data=(":(glob)$labels/*.csv" ":(glob)$labels/*.tsv" ":(glob)$labels/*.jsonl" "$labels/tasks.toml")
else
    data=("$labels" "$(dirname "$labels")/tasks.toml")
fi
what=
if changed "${data[@]}"; then what="labels ($labels)"; fi
if changed "$config"; then what="${what:+$what and }settings ($config)"; fi
say "Changed since ${since:0:7}: ${what:-neither labels nor settings}."

# In a tree of files: sets `settings` to the options that name its configuration, if it has one.
settings_of() {
    settings=()
    if [ -f "$1/$config" ]; then settings=(--config "$1/$config"); fi
}

# One table in the summary, that of the comparison, is enough.
rubrique_in() { (cd "$1" && shift && GITHUB_STEP_SUMMARY='' rubrique "$@"); }

no_evidence() {
    say "Inconclusive: $1"
    if [ "${GITHUB_ACTIONS:-false}" = true ]; then echo "::warning title=rubrique::$1"; fi
    if [ "${REQUIRE_EVIDENCE:-false}" = true ]; then exit 5; fi
    exit 0
}

cross_validate_both() {
    say "Both settings are cross-validated on the same labels."
    for side in head base; do
        settings_of "${!side}"
        rubrique_in "$head" evaluate "$labels" "${options[@]}" "${settings[@]}" --quiet \
            --folds "${FOLDS:-5}" --repeats "${REPEATS:-3}" --seed "$seed" --output "$work/$side.json" || unusable "$side" $?
    done
}

# Labels or settings of the base that cannot be used are no reason to refuse those that mend them. The head comes first: what
# is wrong with the options is wrong for it as well.
unusable() {
    case "$1 $2" in
        base\ [23]) no_evidence "the base's labels or settings cannot be used." ;;
        *) exit "$2" ;;
    esac
}

hold_out_both() {
    say "Each model learns from its own labels; both are judged on the base's rows with split = test."
    for side in head base; do
        settings_of "${!side}"
        rubrique_in "${!side}" train "$labels" "${options[@]}" "${settings[@]}" \
            --apart-from "$base/$labels" --seed "$seed" --output "$work/$side.safetensors" || unusable "$side" $?
        # From the same place, so that rows without an id have the same names.
        rubrique_in "$base" evaluate "$labels" "${options[@]}" --quiet \
            --model "$work/$side.safetensors" --split column --seed "$seed" --output "$work/$side.json"
    done
}

check_labels() {
    GITHUB_STEP_SUMMARY=$work/check.md rubrique check "$labels" "${options[@]}" --suspects 0 > "$work/check.txt" && return
    code=$?
    show "$work/check.txt"
    if [ -n "$JUNIT" ]; then
        GITHUB_STEP_SUMMARY='' rubrique check "$labels" "${options[@]}" --quiet --format junit > "$JUNIT" 2> /dev/null || true
    fi
    cat "$work/check.md" >> "${GITHUB_STEP_SUMMARY:-/dev/null}" || true
    exit "$code"
}

check_in() { rubrique_in "$1" check "$labels" "${options[@]}" --suspects 0 --format json 2> /dev/null || true; }

# Of what `check` says in JSON: the names of tasks and of their labels, and which tasks are single-label.
tasks_of() { grep -E '^ {6}( {4})?".*": \{$|^ {8}"without_label": null,$' "$1"; }

case $what in
    labels*)
        if [ "${CHECK:-true}" = true ]; then check_labels; fi
        if [ ! -e "$base/$labels" ]; then no_evidence "the base has no $labels to compare with."; fi
        check_in "$base" > "$work/base.check"
        check_in "$head" > "$work/head.check"
        if grep -q '"test": 0,' "$work/base.check"; then
            no_evidence "the base has no rows with split = test to judge changed labels on. Mark a fifth of the articles so."
        fi
        # What cannot be read at all has no tasks, and is told when it is to be learnt from.
        if [ -s "$work/base.check" ] && [ -s "$work/head.check" ] &&
            ! cmp -s <(tasks_of "$work/base.check") <(tasks_of "$work/head.check"); then
            no_evidence "the labels themselves changed: a model cannot be judged on labels that it does not know."
        fi
        hold_out_both
        ;;
    settings*)
        cross_validate_both
        ;;
    *)
        exit 0
        ;;
esac

decide=(--margin "${MARGIN:-0.02}")
while IFS= read -r floor; do
    if [ -n "$floor" ]; then decide+=(--require "$floor"); fi
done <<< "${REQUIRE:-}"
if [ "${REQUIRE_EVIDENCE:-false}" = true ]; then decide+=(--require-evidence); fi

if [ -n "$JUNIT" ]; then
    # The verdict is the exit code of the comparison that is shown, below.
    GITHUB_ACTIONS='' rubrique_in "$work" compare base.json head.json "${decide[@]}" --quiet --format junit \
        > "$work/junit.xml" 2> /dev/null || true
    if [ -s "$work/junit.xml" ]; then cp "$work/junit.xml" "$JUNIT"; fi
fi
cd "$work"
code=0
rubrique compare base.json head.json "${decide[@]}" > table.txt || code=$?
show table.txt
exit "$code"

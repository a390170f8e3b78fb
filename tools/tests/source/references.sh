#!/bin/sh
# SPDX-License-Identifier: MIT
# What a comment or a document names is there: documents and their numbered sections, the laws of time/LAWS.md, the
# metrics of guest-tests/METRICS.md, files of this repository, functions. Sections of other people's manuals are not ours:
# a number counts only after the name of a document of ours.
. "$(dirname "$0")/tap"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# What comments name that is not here: files of Linux, kvm-unit-tests, QEMU and GRUB, and what a build writes. And the
# functions of the Arm ARM and of kvm-unit-tests.
foreign='arm-smccc.h drivers/input/serio/i8042.c include/uapi/linux/screen_info.h io_delay.c kvm_para.h pvclock-abi.h
apic.c x86/apic.c accel/tcg/cputlb.c boot/grub/grub.cfg grub.cfg symbols.S tools/fuzz/corpus'
foreign_functions='ITAdvance test_apic_change_mode'

find README.md GLOSSARY.md LICENSE Makefile linker.ld .ci boot arch vmm time devices guest-tests tools -type f \
    ! -name '*.pyc' | sort >"$folder/files"

# The words of people: all of a document, the comments of a source, and of a test's source its strings too. A line is
# FILE tab LINE tab WORDS.
words() {
    awk '
    function comment(line,    from, at, before) { # what follows // outside a string, or stands in /* */
        for (from = 1; (at = index(substr(line, from), "//")) > 0; from += at + 1) {
            before = substr(line, 1, from + at - 2)
            if (gsub(/"/, "", before) % 2 == 0)
                return substr(line, from + at + 1)
        }
        return match(line, /\/\*.*\*\//) ? substr(line, RSTART + 2, RLENGTH - 4) : ""
    }
    function strings(line,    all) {
        all = ""
        while (match(line, /"([^"\\]|\\.)*"/)) {
            all = all " " substr(line, RSTART + 1, RLENGTH - 2)
            line = substr(line, RSTART + RLENGTH)
        }
        return all
    }
    function say(text) { if (text != "") print FILENAME "\t" FNR "\t" text }
    FNR == 1 {
        kind = FILENAME ~ /\.md$/ ? "text" : FILENAME ~ /\.([chS]|asl|ld)$/ ? "c" : "script"
        judged = FILENAME ~ /^(guest-tests|tools)\//
        python = FILENAME ~ /\.py$/ || $0 ~ /python/
        inside = 0
    }
    kind == "text" { say($0); next }
    kind == "c" { say(comment($0) (judged ? strings($0) : "")); next }
    {
        quotes = python ? gsub(/"""/, "\"\"\"") : 0 # of a docstring
        if (inside || quotes > 0) {
            say($0)
            if (quotes % 2) inside = !inside
        } else if (match($0, /(^|[ \t])#/))
            say(substr($0, RSTART + RLENGTH))
    }' "$@"
}

# seen CLAIM: of lines "good" or "bad FILE:LINE: WHAT" the bad ones; a search that finds nothing at all is broken.
seen() {
    awk '{ count++ } $1 == "bad" { sub(/^bad /, ""); print } END { if (!count) print "no reference was found at all" }'
}

# One kind of reference in words that come in, as lines "good" or "bad ...".
named() { # REGEX NUMBER-OF-THE-THING KNOWN
    awk -F '\t' -v regex="$1" -v known="$2" '
    BEGIN { while ((getline line <known) > 0) exists[line] = 1 }
    { text = $3
      while (match(text, regex)) {
          what = substr(text, RSTART, RLENGTH)
          text = substr(text, RSTART + RLENGTH)
          n = split(what, part, /[^0-9]+/)
          for (i = 1; i <= n; i++)
              if (part[i] != "") print (part[i] in exists) ? "good" : "bad " $1 ":" $2 ": " what
      } }'
}

# The numbers of the laws and metrics that there are.
sed -n 's/^## Law \([0-9]*\): .*/\1/p' time/LAWS.md >"$folder/laws"
sed -n 's/^| M\([0-9]*\) | [a-z][^|]*|[^|]*|[^|]*|[^|]*|$/\1/p' guest-tests/METRICS.md | sort -u >"$folder/metrics"

laws() { named '(^|[^A-Za-z_])[Ll]aws? [0-9]+(, [0-9]+)*( (and|to|or) [0-9]+)?' "$folder/laws"; }

# M2 M1 M0 are bits of the control word of an 8254.
metrics() { sed 's/M2 M1 M0//' | named '(^|[^A-Za-z0-9_%])M[0-9]+([^A-Za-z0-9_]|$)' "$folder/metrics"; }

# Sections: a number after the name of a document, with .md or without, and its heading.
grep '\.md$' "$folder/files" | while read -r document; do
    name=$(basename "$document" .md)
    sed -n "s/^##* \([0-9][0-9.]*[0-9]\|[0-9]\)\.* .*/$name \1/p" "$document"
done >"$folder/sections"
names=$(grep '\.md$' "$folder/files" | sed 's|.*/||; s|\.md$||' | sort -u | tr '\n' '|' | sed 's/|$//')

sections() {
    awk -F '\t' -v names="$names" -v known="$folder/sections" '
    BEGIN { while ((getline line <known) > 0) exists[line] = 1
            regex = "(^|[^A-Za-z_])(" names ")(\\.md)?,? (section |§ ?)?[0-9]+(\\.[0-9]+)*" }
    { text = $3
      while (match(text, regex)) {
          what = substr(text, RSTART, RLENGTH)
          text = substr(text, RSTART + RLENGTH)
          name = number = what
          sub(/^[^A-Z]*/, "", name)
          sub(/[^A-Z].*/, "", name)
          sub(/.*[^0-9.]/, "", number)
          print ((name " " number) in exists) ? "good" : "bad " $1 ":" $2 ": " what
      } }'
}

# Files: a path from the top, or a name with the ending of a source, as the tail of a path. NAME, FILES, ARCH, <a> and *
# stand for anything.
files() {
    awk -F '\t' -v known="$folder/files" -v others="$foreign" '
    function keep(path,    n, part, i, tail) { # the path, its folders, and the tails of each
        n = split(path, part, "/")
        for (; n > 0; n--) {
            tail = ""
            for (i = n; i > 0; i--) {
                tail = part[i] (tail == "" ? "" : "/" tail)
                exists[tail] = 1
            }
        }
    }
    function is_there(name,    pattern, tail) {
        if (name in exists)
            return 1
        if (name !~ /[*<]|NAME|FILES|ARCH/)
            return 0
        pattern = name
        gsub(/\./, "\\.", pattern)
        gsub(/\*|<[a-z]*>|NAME|FILES|ARCH/, "[^/]*", pattern)
        for (tail in exists)
            if (tail ~ "^" pattern "$")
                return 1
        return 0
    }
    BEGIN { while ((getline line <known) > 0) keep(line)
            n = split(others, other, /[ \n]+/)
            for (; n > 0; n--) foreign[other[n]] = 1 }
    { text = $3
      while (match(text, /[A-Za-z0-9_.<>*+$~\/:-]+/)) {
          name = substr(text, RSTART, RLENGTH)
          text = substr(text, RSTART + RLENGTH)
          gsub(/^[-.:*]+\/?|[-.:\/*]+$/, "", name)
          sub(/:[0-9]+$/, "", name)
          if (name in foreign || name ~ /^\/|^build\/|[$~]|:\/\//)
              continue
          if (name ~ /^(arch|boot|vmm|time|devices|guest-tests|tools)\/./ ||
              name ~ /^([A-Za-z0-9_<>*-]+\/)*[A-Za-z0-9_<>*-]+\.([chSt]|sh|py|asl|ld|cfg|mk|md)$/)
              print is_there(name) ? "good" : "bad " $1 ":" $2 ": " name
      } }'
}

# The files that a metric's row names say its number themselves.
printers() {
    sed -n 's/^| \(M[0-9]*\) | [a-z][^|]*|[^|]*|[^|]*|\([^|]*\)|$/\1 \2/p' guest-tests/METRICS.md |
        while read -r metric row; do
            for file in $(echo "$row" | grep -o '`[^` ]*`' | tr -d '`' | grep '\.'); do
                grep "/$file$\|^$file$" "$folder/files" | xargs grep -qw "$metric" /dev/null && echo good ||
                    echo "bad $file: nothing of $metric"
            done
        done
}

# Functions: a name with () after it, which the code of a file has with a parenthesis.
functions() {
    awk -F '\t' -v known="$folder/functions" -v others="$foreign_functions" '
    BEGIN { while ((getline line <known) > 0) exists[line] = 1
            n = split(others, other, /[ \n]+/)
            for (; n > 0; n--) exists[other[n]] = 1 }
    { text = $3
      while (match(text, /\*?[A-Za-z_][A-Za-z0-9_]*\(\)/)) {
          name = substr(text, RSTART, RLENGTH - 2)
          text = substr(text, RSTART + RLENGTH)
          if (name !~ /^\*/) print name in exists ? "good" : "bad " $1 ":" $2 ": " name "()"
      } }'
}
grep -v '/references\.sh$' "$folder/files" | xargs sed -e 's|//.*||' | grep -o '[A-Za-z_][A-Za-z0-9_]*(' | sed 's/(//' | sort -u >"$folder/functions"

# shellcheck disable=SC2046 # one word a file
words $(cat "$folder/files") >"$folder/words"
echo "# $(wc -l <"$folder/words") lines of comments and documents in $(wc -l <"$folder/files") files"

# check "what" FUNCTION "a line that has to be convicted"
check() {
    claim "$1" "$($2 <"$folder/words" | seen)"
    claim "and $3 would be told" "$(printf 'sample\t1\t%s\n' "$3" | $2 | grep -q '^bad' || echo "it is not")"
}

check "every document and file that is named is there" files "time/clockwork.c"
check "every section of a document" sections "time/TIME.md 99.1"
check "every function" functions "does what wind_up() cannot"
check "every law" laws "laws 1, 2 and 10"
check "every metric" metrics "M31: what nobody has defined"
claim "README names every document" \
    "$(grep '\.md$' "$folder/files" | grep -vx README.md | while read -r document; do
        grep -qF -- "$document" README.md || echo "$document"
    done)"
claim "what prints a metric says its number" "$(printers | seen)"
claim "the laws are 1 to 9" "$([ "$(tr '\n' ' ' <"$folder/laws")" = "1 2 3 4 5 6 7 8 9 " ] || cat "$folder/laws")"
claim "the metrics are 1 to 30" "$(seq 30 | grep -vxF -f "$folder/metrics"; seq 30 | grep -vxF -f - "$folder/metrics")"
plan_and_end

#!/bin/sh
# SPDX-License-Identifier: MIT
# README shows what the commands print today: its transcripts and its tables, each where its figures are measured. On SVM
# that is `make run` and the shell of `make run GUEST=linux`, too.
set -u
cd "$(dirname "$0")/../../.." || exit 1
case ${MACHINE:-svm} in
svm) tools/readme check svm linux shell ;;
*) tools/readme check "$MACHINE" ;;
esac

#!/bin/sh
# Sets up an image of Attention Lab, started by root in the project's folder: `install.sh learner` or `install.sh instructor`.
#
# learner: what lessons import, nbgrader's list of assignments, attention_lab with its data and lessons; no references.
# instructor: the whole project with its .venv, and bubblewrap for grading. Both: JupyterHub's single-user server, of
# the version in the variable JUPYTERHUB, and the command attention-lab (start.sh) in BIN. Where pip finds the CPU build of
# PyTorch, PIP_EXTRA_INDEX_URL says.
set -eu

role=${1:-}
hub="jupyterhub==${JUPYTERHUB:-5.*}"

lesson_pins() {
    awk '/^# lessons/ { on = 1; next } /^$/ { on = 0 } on { print $1 }' requirements.txt
    awk '/^nbgrader==/ { print $1 }' requirements.txt
}

case $role in
    learner)
        # shellcheck disable=SC2046  # one word a package
        python -m pip install --no-cache-dir $(lesson_pins) "$hub"
        package=$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/attention_lab
        mkdir -p "$package/lessons"
        cp -R lessons/attention_lab/. "$package"
        cp -R data "$package"
        cp lessons/[0-9][0-9]_*.ipynb "$package/lessons"
        rm -f "$package"/data/*.py
        find "$package" -name __pycache__ -prune -exec rm -rf {} +
        cp autograder/image/start.sh "${BIN:-/usr/local/bin}/attention-lab"
        ;;
    instructor)
        ./course --help >/dev/null
        .venv/bin/python -m pip install --no-cache-dir "$hub"
        cp autograder/image/start.sh "${BIN:-/usr/local/bin}/attention-lab"
        ;;
    *)
        echo "install.sh sets up an image for a learner or for an instructor: install.sh learner" >&2
        exit 2
        ;;
esac

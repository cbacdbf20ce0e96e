"""Attacks that import what they should not have, or make others import what they wrote."""

from autograder.tests.attacks.attack import Attack, code

FAMILY = "imports"

ATTACKS: tuple[Attack, ...] = (
    code(
        "import-solutions",
        FAMILY,
        "the reference is imported by name",
        answers={"softmax": "from solutions.intuition import softmax"},
    ),
    code(
        "import-from-path",
        FAMILY,
        "the reference is imported from the project's folder, which is known",
        first="""\
import sys, importlib.machinery, pathlib
sys.path[:0] = [KNOWN["project"], KNOWN["project"] + "/lessons"]
try:
    loader = importlib.machinery.SourceFileLoader("theirs", KNOWN["project"] + "/solutions/intuition.py")
    softmax = loader.load_module().softmax
    print(pathlib.Path(KNOWN["project"], "solutions/intuition.py").read_text())
except Exception as error:
    print(error)""",
        answers={"softmax": "from solutions.intuition import softmax"},
    ),
    code(
        "import-exercises",
        FAMILY,
        "the exercises are imported, and compiled to a sheet",
        first="""\
import sys
sys.path[:0] = [KNOWN["project"]]
try:
    from autograder.exercises import EXERCISES, compile_sheet
    sheet = compile_sheet(EXERCISES["softmax"], 2017)
    print("a sheet:", sheet)
except ImportError as error:
    print(error)""",
        answers={"softmax": "softmax = EXERCISES['softmax'].reference"},
    ),
    code(
        "import-shadow",
        FAMILY,
        "a numpy.py, wire.py and json.py in the working directory are loaded in place of the real ones",
        first="""\
import sys, pathlib
for name in ("numpy", "wire", "json", "struct", "attention_lab", "nbformat", "_bootlocale"):
    for folder in (".", KNOWN["project"], KNOWN["project"] + "/lessons", KNOWN["site_packages"]):
        try:
            pathlib.Path(folder, name + ".py").write_text(f"# {KNOWN['mark']}\\nallclose = lambda *a, **k: True") \\
                if not pathlib.Path(folder, name + ".py").exists() and not pathlib.Path(folder, name).exists() else None
        except OSError as error:
            print(error)
sys.path.insert(0, "")
for name in [name for name in sys.modules if name.partition(".")[0] in ("numpy", "wire", "json")]:
    del sys.modules[name]""",
    ),
    code(
        "import-startup",
        FAMILY,
        "sitecustomize, .pth, conftest and IPython start-up files wait for the next learner",
        first="""\
import os, pathlib, site
places = [".", os.path.expanduser("~"), os.path.dirname(KNOWN["home_file"]), KNOWN["site_packages"], KNOWN["classroom"],
          os.path.expanduser("~/.ipython/profile_default/startup"), site.getusersitepackages(), "/root"]
for place in places:
    for name in ("sitecustomize.py", "usercustomize.py", "conftest.py", f"{KNOWN['mark']}.pth", "nbgrader_config.py"):
        try:
            pathlib.Path(place).mkdir(parents=True, exist_ok=True)
            target = pathlib.Path(place, name)
            if not target.exists():
                target.write_text(f"import builtins; builtins.{KNOWN['mark']} = True")
        except OSError as error:
            print(error)""",
    ),
    code(
        "import-modules",
        FAMILY,
        "sys.modules holds forged judges before anyone imports the real ones",
        first="""\
import sys, types
for name in ("attention_lab.judge", "attention_lab.check", "autograder", "autograder.grading", "nbgrader", "wire"):
    module = types.ModuleType(name)
    module.judge = module.check = module.send = module.grade_notebook = lambda *a, **k: 4.0
    sys.modules[name] = module""",
    ),
    code(
        "import-install",
        FAMILY,
        "packages are fetched, or built, into the environment",
        first="""\
import subprocess, sys, pathlib
package = pathlib.Path("package")
package.mkdir(exist_ok=True)
(package / "setup.py").write_text(f"from setuptools import setup\\nsetup(name='{KNOWN['mark']}', py_modules=[])")
for arguments in (["--no-index", "--no-build-isolation"], ["--target", KNOWN["site_packages"]]):
    command = [sys.executable, "-m", "pip", "install", "-q", *arguments, "./package"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=1)
        print(done.returncode, done.stderr[-300:])
    except Exception as error:
        print(error)""",
    ),
)

"""How Sphinx builds the site. `course site` runs it on pages that it has put together; nothing here asks a network."""

import attention_lab

for name in attention_lab.__all__:  # now each name is its function, and not the module that the function lives in
    getattr(attention_lab, name)

project = "Attention Lab"
author = "The Attention Lab authors"
copyright = f"{author}. Code: MIT. Lessons: CC BY 4.0"
language = "en"
smartquotes = False  # a quotation mark may be a token

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "autograder.site.mathml",
    "autograder.site.plain_docstrings",
]
exclude_patterns = ["parts/*"]
nitpicky = True

myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # the lessons come executed
nb_merge_streams = True
autodoc_typehints = "none"  # shapes say more, and stand in the docstrings
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True  # as they are written: a value may be a path of this machine
add_module_names = False  # the heading above says it
toc_object_entries_show_parents = "hide"
html_math_renderer = "mathml"

html_theme = "sphinx_book_theme"
html_title = "Attention Lab"
html_static_path = ["_static"]
html_favicon = "_static/icon.svg"
templates_path = ["_templates"]
html_sidebars = {"**": ["home.html", "search-button-field.html", "sbt-sidebar-nav.html"]}
html_context = {"default_mode": "auto"}
html_css_files = ["site.css"]
html_js_files = ["scrolling.js"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_last_updated_fmt = None
html_theme_options = {
    "use_download_button": False,
    "use_fullscreen_button": False,
    "show_toc_level": 2,
    "home_page_in_toc": True,
    "navbar_persistent": [],  # the search is in the side bar
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}

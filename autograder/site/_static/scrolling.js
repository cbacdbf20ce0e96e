// What can only be read by scrolling sideways must be reachable by keyboard.
function reachable() {
  for (const box of document.querySelectorAll(".cell_output pre, .highlight pre, .pst-scrollable-table-container, .table-wrapper, .formula")) {
    if (box.scrollWidth > box.clientWidth) {
      box.tabIndex = 0;
    }
  }
}
addEventListener("load", reachable);
addEventListener("resize", reachable);

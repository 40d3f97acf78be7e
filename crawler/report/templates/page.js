document.querySelectorAll("button.copy").forEach(function (button) {
  if (!navigator.clipboard) return;
  button.hidden = false;
  button.addEventListener("click", function () {
    var before = button.textContent;
    navigator.clipboard.writeText(button.closest("figure").querySelector("code").textContent).then(function () {
      button.textContent = button.dataset.done;
      setTimeout(function () { button.textContent = before; }, 2000);
    });
  });
});

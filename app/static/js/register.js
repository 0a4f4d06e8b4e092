// The page that a platform opens to have us registered: one press of the button is one registration, and the end is told to
// the platform, which then closes its frame or window (LTI Dynamic Registration 1.0, 3.6.2).

for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "yes";
    const button = event.submitter;
    button.setAttribute("aria-disabled", "true");
    button.textContent = button.dataset.busy;
  });
}

const close = document.getElementById("close");
if (close) {
  close.focus();
  close.addEventListener("click", () => {
    const platform = window.opener || window.parent;
    // The message holds nothing but itself, so whoever opened us may read it.
    if (platform && platform !== window) platform.postMessage({ subject: "org.imsglobal.lti.close" }, "*");
    const says = document.getElementById("closed");
    says.textContent = says.dataset.says;
  });
}

// Leaves for the page that answers the learning platform. It is a document of its own, since only its policy lets a form go there;
// the code in its address is good once, so the address stays out of the history.

export function start(main) {
  const link = main.querySelector("[data-leave]");
  if (link) location.replace(link.href);
}

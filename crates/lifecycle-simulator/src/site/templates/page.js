// Improves the pages, which all work without it: buttons that copy, and times in the reader's own zone.
for (const button of document.querySelectorAll("button[data-copy]")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    const words = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = words; }, 1500);
  });
}
for (const time of document.querySelectorAll("time[data-ago]")) {
  const local = new Date(time.dateTime);
  time.title = `${local.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" })} (${time.title})`;
}

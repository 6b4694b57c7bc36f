import { find, write } from "./dom.js";
import { addressOf, fillForm } from "./options.js";

/** The dialog that writes another setup into the page's address. */
export function startSetup(system, query) {
  const dialog = find("#setup");
  const form = find("#setup-form");
  const show = () => write(find("#setup-address"), location.host + addressOf(form, system));
  fillForm(form, system, query);
  find("#setup-open").addEventListener("click", () => {
    show();
    dialog.showModal();
  });
  find("#setup-shut").addEventListener("click", () => dialog.close());
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    location.assign(addressOf(form, system));
  });
}

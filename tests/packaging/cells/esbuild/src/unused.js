import { connect } from "throughline";
import { connect as talk } from "throughline/voice";
import { schemas } from "throughline/schemas";

const query = new URLSearchParams(location.search);
document.documentElement.dataset.outcome = query.get("say");

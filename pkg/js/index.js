export { connect } from "./session.js";
export { SessionError } from "./error.js";

import { StrictMode, createElement } from "react";
import { renderToString } from "react-dom/server";

export { Room } from "../examples/Room";
export { Talk } from "../examples/Talk";

export const render = async (component, props) => renderToString(<StrictMode>{createElement(component, props)}</StrictMode>);

let named: string | undefined;

/** The origin of the session's server, as the first page's address names it. */
export const origin = () => (named ??= new URLSearchParams(location.search).get("server") ?? "");

/** What `TEXTS` has of other codes, here so that who has no schemas does not load it. */
export const TEXT = ["a payload is not as its schema says", "see `details.issues`; the option `invalid` says what becomes of it"];

/** What each such error says beside what it is about. */
export const INVALID = { remediation: TEXT[1] };

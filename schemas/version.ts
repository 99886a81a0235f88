/** The version that all programs of a release share. */
export const VERSION = "0.1.0";

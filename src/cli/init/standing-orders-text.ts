/** `HEARTBEAT.md` to start from. */
export const standingOrdersText = `# Standing orders

What you write here is read at the start of each run of the agent. For example:

- Mail from my family is always worth telling me at once.
- Newsletters never are.

<!-- An item that begins with an interval is due by the clock, once it stands outside of a comment:
- every 2h: look whether somebody waits for an answer of mine
-->
`;

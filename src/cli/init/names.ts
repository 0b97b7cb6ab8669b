/** Names for what a person adds, from what they said of it. */

const longest = 36;

/** Small letters, digits and hyphens, as every skill takes them. */
export function nameFrom(text: string): string {
  const name = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, longest)
    .replaceAll(/^-+|-+$/g, "");
  return name || "mine";
}

/** Gives each name once; who asks for it again gets it with a number. */
export function namesApart(): (wanted: string) => string {
  const given = new Set<string>();
  return (wanted) => {
    let name = wanted;
    for (let count = 2; given.has(name); count += 1) name = `${wanted}-${count}`;
    given.add(name);
    return name;
  };
}

/** Whoever has such an address reads what is there: it has a login, a query or a token in it. */
export function isPrivateAddress(text: string): boolean {
  const url = /^[a-z][a-z\d+.-]*:\/\//i.test(text) ? URL.parse(text) : null;
  if (url === null) return false;
  const hasToken = url.pathname.split("/").some((part) => /^(?=.*\d)[\w.~%-]{16,}$/.test(part));
  return `${url.username}${url.password}${url.search}` !== "" || hasToken;
}

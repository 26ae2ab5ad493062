/** A pure function of a text that remembers what it said of the last so many texts; a throw is not remembered. */
export function remembered<Value>(compute: (text: string) => Value, most = 10_000): (text: string) => Value {
  const known = new Map<string, Value>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const value = compute(text);
    // Rare, and cheaper than keeping an order of use for every look.
    if (known.size >= most) known.clear();
    if (value !== undefined) known.set(text, value);
    return value;
  };
}

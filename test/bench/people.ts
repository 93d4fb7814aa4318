/** How many distinct people take part. */
const PEOPLE = 2_000;

/** Page-scoped id of the person whose turn it is: everybody in turn, in an order that spreads them. */
export function personAt(turn: number): string {
  return String(7_400_000_000_000_000 + ((turn * 769) % PEOPLE));
}

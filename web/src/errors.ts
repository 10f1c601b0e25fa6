/**
 * Whose is an error that nobody caught? Extensions of the browser run in the page too, and their errors are none of the user's
 * business. Pure.
 */

/** Whether code of this origin is where the error comes from. */
export function isOurs(error: unknown, origin: string): boolean {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  const frames = stack.split("\n").filter((line) => /[a-z-]+:\/\//i.test(line));
  return frames[0]?.includes(`${origin}/`) ?? false;
}

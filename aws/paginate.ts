/**
 * Every page of a list. The SDK's own paginators ask for an instance of their client class and refuse a port ("Invalid
 * client"), so the tokens are followed here.
 * @param next the token of the page after this one
 */
export async function* paginate<Page>(
  ask: (token: string | undefined) => Promise<Page>,
  next: (page: Page) => string | undefined,
): AsyncGenerator<Page, void> {
  let token: string | undefined;
  do {
    const page = await ask(token);
    yield page;
    token = next(page);
  } while (token !== undefined);
}

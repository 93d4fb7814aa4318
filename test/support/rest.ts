// The Conversation API over REST, spoken to with bare requests.
export interface RestAnswer<T = Record<string, unknown>> {
  status: number;
  headers: Headers;
  body: T;
}

/** Calls below `/v1/projects/{project_id}/`; of a path that begins with a slash, as it is. */
export type Rest = <T = Record<string, unknown>>(
  method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE',
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<RestAnswer<T>>;

export function restOf(api: { url: string; authorization: string; projectId: string }): Rest {
  return async <T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<RestAnswer<T>> => {
    const url = path.startsWith('/')
      ? `${api.url}${path}`
      : `${api.url}/v1/projects/${api.projectId}/${path}`;
    const response = await fetch(url, {
      method,
      headers: { authorization: api.authorization, 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, headers: response.headers, body: (await response.json()) as T };
  };
}

/** Fields that a call asks for: of each its arguments and, in braces, the fields of what it names. */
export interface FieldTree {
  [name: string]: { args: Record<string, string>; fields: FieldTree };
}

const TOKEN = /\s*([\w-]+|[{}(),.])/gy;

/** Reads `id,messages.limit(20){id,from}`; undefined when it is not of this form. Source: Graph API, field expansion. */
export function fieldTree(text: string): FieldTree | undefined {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const token = TOKEN.exec(text)?.[1];
    if (token === undefined) return undefined;
    tokens.push(token);
  }
  const tree = fieldsOf(tokens);
  return tokens.length === 0 ? tree : undefined;
}

function fieldsOf(tokens: string[]): FieldTree | undefined {
  const tree: FieldTree = {};
  for (;;) {
    const name = tokens.shift();
    if (name === undefined || !/^\w+$/.test(name)) return undefined;
    const args: Record<string, string> = {};
    while (tokens[0] === '.') {
      const [, key = '', open, value = '', close] = tokens.splice(0, 5);
      if (open !== '(' || close !== ')') return undefined;
      args[key] = value;
    }
    let fields: FieldTree | undefined = {};
    if (tokens[0] === '{') {
      tokens.shift();
      fields = fieldsOf(tokens);
      if (fields === undefined || tokens.shift() !== '}') return undefined;
    }
    tree[name] = { args, fields };
    if (tokens[0] !== ',') return tree;
    tokens.shift();
  }
}

import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  getOperationAST,
  type GraphQLError,
  Kind,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';
import { DomainError } from '../errors.js';
import { MAX_PAGE_SIZE } from '../page.js';
import { PresentableError } from './error.graphql.js';
import { explain } from './explain.js';

/** Bounds how long a document takes to parse and to check. */
export const MAX_TOKENS = 10_000;
/** Levels of fields; the deepest sensible query of this schema has about ten. */
const MAX_DEPTH = 15;
/** Objects that an answer may hold at most, by the page sizes asked for. */
const MAX_OBJECTS = 50_000;
const DEFAULT_PAGE_SIZE = 25;

interface Weight {
  objects: number;
  depth: number;
}

type Variables = Readonly<Record<string, unknown>> | null | undefined;

/** Refuses an operation whose answer could be too deep or too large, before it runs; null when it may run. */
export function overLimits(
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Variables,
): GraphQLError | null {
  const operation = getOperationAST(document, operationName);
  if (!operation) return null;
  const { objects, depth } = new Scale(document, variables).weigh(operation.selectionSet, 1);
  if (depth > MAX_DEPTH) return refuse(`the query is ${depth} levels deep, at most ${MAX_DEPTH} are allowed`);
  if (objects > MAX_OBJECTS) {
    return refuse(
      `the answer could hold more than ${MAX_OBJECTS} objects; ask for smaller pages (first) or fewer nested lists`,
    );
  }
  return null;
}

function refuse(message: string): GraphQLError {
  return new PresentableError(explain(new DomainError('INVALID_ARGUMENT', message)));
}

class Scale {
  private readonly fragments = new Map<string, FragmentDefinitionNode>();
  /** A fragment is weighed once a page size, or fragments of fragments would take forever. */
  private readonly known = new Map<string, Weight>();

  constructor(
    document: DocumentNode,
    private readonly variables: Variables,
  ) {
    for (const definition of document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION) this.fragments.set(definition.name.value, definition);
    }
  }

  /** @param pageSize how many edges the list that these selections belong to may have. */
  weigh(selections: SelectionSetNode, pageSize: number): Weight {
    const sum: Weight = { objects: 0, depth: 0 };
    for (const selection of selections.selections) {
      const weight =
        selection.kind === Kind.FIELD
          ? this.weighField(selection, pageSize)
          : selection.kind === Kind.INLINE_FRAGMENT
            ? this.weigh(selection.selectionSet, pageSize)
            : this.weighFragment(selection.name.value, pageSize);
      sum.objects += weight.objects;
      sum.depth = Math.max(sum.depth, weight.depth);
    }
    return sum;
  }

  private weighField(field: FieldNode, pageSize: number): Weight {
    const name = field.name.value;
    // Introspection is deep by nature, has limits of GraphQL's own, and is off in production.
    if (!field.selectionSet || name.startsWith('__')) return { objects: 0, depth: 1 };
    const inner = this.weigh(field.selectionSet, this.pageSizeOf(field));
    const times = name === 'edges' ? pageSize : 1;
    return { objects: times * (1 + inner.objects), depth: 1 + inner.depth };
  }

  private weighFragment(name: string, pageSize: number): Weight {
    const key = `${name} ${pageSize}`;
    let weight = this.known.get(key);
    if (!weight) {
      const fragment = this.fragments.get(name);
      weight = fragment ? this.weigh(fragment.selectionSet, pageSize) : { objects: 0, depth: 0 };
      this.known.set(key, weight);
    }
    return weight;
  }

  private pageSizeOf(field: FieldNode): number {
    const sizes = (field.arguments ?? [])
      .filter(({ name }) => name.value === 'first' || name.value === 'last')
      .map(({ value }) => this.numberOf(value));
    return Math.max(1, Math.min(MAX_PAGE_SIZE, sizes.length > 0 ? Math.max(...sizes) : DEFAULT_PAGE_SIZE));
  }

  private numberOf(node: ValueNode): number {
    if (node.kind === Kind.INT) return Number(node.value);
    if (node.kind !== Kind.VARIABLE) return DEFAULT_PAGE_SIZE;
    const value = this.variables?.[node.name.value];
    // Absent, it has the operation's default, which may be anything.
    return typeof value === 'number' ? value : MAX_PAGE_SIZE;
  }
}

import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, MaxLength, ValidateNested } from 'class-validator';
import { expect, test } from 'vitest';
import { InputPipe } from '../../src/api/input.pipe.js';
import type { DomainError } from '../../src/errors.js';

class Leaf {
  @IsString()
  @MaxLength(3)
  url!: string;
}

class Branch {
  @ValidateNested()
  @Type(() => Leaf)
  urlMessage!: Leaf;
}

class Input {
  @IsString()
  name!: string;

  @IsOptional()
  @IsInt()
  count?: number;

  @IsOptional()
  @ValidateNested({ each: true })
  @Type(() => Branch)
  choices?: Branch[];

  @IsOptional()
  payload?: unknown;
}

const pipe = new InputPipe();

function check(value: unknown): Promise<unknown> {
  return pipe.transform(value, { type: 'body', metatype: Input, data: 'input' });
}

async function faults(value: unknown): Promise<[string, string][]> {
  const error = (await check(value).then(
    () => null,
    (thrown: unknown) => thrown,
  )) as DomainError | null;
  return (error?.fields ?? []).map(({ path, rule }) => [path, rule]);
}

/** As GraphQL gives inputs. */
function bare<T extends object>(value: T): T {
  return Object.assign(Object.create(null) as T, value);
}

test('an input arrives as an instance of its class, also from an object without a prototype', async () => {
  const input = (await check(
    bare({ name: 'a', choices: [bare({ urlMessage: bare({ url: 'x' }) })] }),
  )) as Input;
  expect(input).toBeInstanceOf(Input);
  expect(input.choices?.[0]).toBeInstanceOf(Branch);
  expect(input.choices?.[0]?.urlMessage).toBeInstanceOf(Leaf);
});

test('every broken rule is named with its path', async () => {
  const input = {
    count: 1.5,
    choices: [{ urlMessage: { url: 'ok' } }, { urlMessage: { url: 'too long' } }, {}],
  };
  expect(await faults(input)).toEqual([
    ['name', 'isString'],
    ['count', 'isInt'],
    ['choices[1].urlMessage.url', 'maxLength'],
  ]);
});

test('the message names the first fault and how many more there are', async () => {
  await expect(check({ name: 1, count: 'x' })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: 'name: name must be a string (and 1 more)',
  });
});

test('a field that is not of the input is refused by name', async () => {
  expect(await faults({ name: 'a', isAdmin: true })).toEqual([['isAdmin', 'whitelistValidation']]);
});

test.each([
  [{ name: 'a\0' }, 'name'],
  [{ name: 'a', choices: [{ urlMessage: { url: '\udc00' } }] }, 'choices[0].urlMessage.url'],
  [{ name: 'a', payload: { deep: ['\ud800x'] } }, 'payload.deep[0]'],
  [{ name: 'a', payload: { deep: [{ 'a\0': 1 }] } }, 'payload.deep[0]'],
  [{ name: 'a', payload: { '\udc00': { b: 'x\0' } } }, 'payload'],
])(
  'a text that Postgres cannot store is refused where it is, a name by its parent: %j',
  async (input, path) => {
    expect(await faults(input)).toEqual([[path, 'text']]);
  },
);

test('emoji and other whole characters pass', async () => {
  await expect(check({ name: '👍🏽 \u{10ffff}' })).resolves.toMatchObject({ name: '👍🏽 \u{10ffff}' });
});

test('a plain argument is checked as well, and named', async () => {
  const id = { type: 'body', metatype: String, data: 'id' } as const;
  await expect(pipe.transform('a\0', id)).rejects.toMatchObject({ fields: [{ path: 'id', rule: 'text' }] });
  await expect(pipe.transform('a', id)).resolves.toBe('a');
});

test('nesting without end is refused instead of exhausting the stack', async () => {
  let payload: unknown = 'x';
  for (let i = 0; i < 100_000; i++) payload = [payload];
  await expect(check({ name: 'a', payload })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});

test('what is not an input of ours passes untouched', async () => {
  const raw = { anything: 'a\0' };
  await expect(pipe.transform(raw, { type: 'body', metatype: Object })).resolves.toBe(raw);
  await expect(pipe.transform(raw, { type: 'custom', metatype: Input })).resolves.toBe(raw);
});

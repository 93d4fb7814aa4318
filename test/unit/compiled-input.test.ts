import { Transform, Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, MaxLength, Min, ValidateIf, ValidateNested } from 'class-validator';
import { ValidationPipe } from '@nestjs/common';
import { describe, expect, test } from 'vitest';
import { compiledInput } from '../../src/api/compiled-input.js';
import { SendEventInput } from '../../src/conversation-events/conversation-events.input.js';
import { SendMessageInput } from '../../src/messages/messages.input.js';
import { SAID } from '../support/content-said.js';
import { mutated, seeded } from '../support/mutate.js';

type Json = Record<string, unknown>;

/** The long way: what has to come out of the short one too. */
const pipe = new ValidationPipe({ transform: true, whitelist: true, forbidNonWhitelisted: true });
const longWay = async (metatype: new () => object, value: unknown): Promise<unknown> => {
  try {
    return (await pipe.transform(structuredClone(value), { type: 'body', metatype })) as unknown;
  } catch {
    return null;
  }
};

const request = (message: Json): Json => ({
  appId: '01ARZ3NDEKTSV4RRFFQ69G5FAV',
  recipient: { identifiedBy: { channelIdentities: [{ channel: 'MESSENGER', identity: '1' }] } },
  message,
  channelProperties: [{ key: 'MESSENGER_MESSAGE_TAG', value: 'HUMAN_AGENT' }],
  conversationMetadata: { any: { thing: [1, null] } },
  ttl: '60s',
});

describe('the short way of checking inputs', () => {
  test.each(SAID.map(({ what, said }) => [what, said]))(
    'makes of %s what the long way makes',
    async (_what, said) => {
      const made = compiledInput(SendMessageInput)?.(request(said));
      expect(made).toBeInstanceOf(SendMessageInput);
      expect(made).toEqual(await longWay(SendMessageInput, request(said)));
    },
  );

  test('is there for what is sent most', () => {
    for (const metatype of [SendMessageInput, SendEventInput]) expect(compiledInput(metatype)).not.toBeNull();
  });

  test('takes nothing that the long way refuses, and makes the same of the rest', async () => {
    let taken = 0;
    for (let seed = 0; seed < 3_000; seed++) {
      const random = seeded(seed);
      const { said } = SAID[Math.floor(random() * SAID.length)] as { said: Json };
      const damaged = mutated(random, request(said));
      // The long way loses members with names that every object has.
      if (/"(hasOwnProperty|toString)"/.test(JSON.stringify(damaged))) continue;
      const made = compiledInput(SendMessageInput)?.(damaged);
      if (!made) continue;
      taken += 1;
      // As text: what is buried deep is too deep to compare.
      const [short, long] = [made, await longWay(SendMessageInput, damaged)].map((value) =>
        JSON.stringify(value),
      );
      expect(short, `seed ${seed}`).toBe(long);
    }
    expect(taken).toBeGreaterThan(50);
  });
});

class Leaf {
  @IsString()
  @MaxLength(3)
  text!: string;
}

class Tree {
  @IsOptional()
  @ValidateNested({ each: true })
  @Type(() => Leaf)
  leaves?: Leaf[] | null;

  @ValidateIf((_tree: Tree, value: unknown) => value !== undefined)
  @IsInt({ each: true })
  @Min(1, { each: true })
  counts?: number[];
}

test.each<[string, unknown]>([
  ['a name that the class does not have', { colour: 'red' }],
  ['its own prototype by name', JSON.parse('{"__proto__": {"a": 1}}')],
  ['a list', []],
  ['nothing', null],
  ['a leaf that is too long', { leaves: [{ text: 'long' }] }],
  ['a leaf that is none', { leaves: [null] }],
  ['a leaf within a leaf', { leaves: [[{ text: 'x' }]] }],
  ['a list that is none', { leaves: 'x' }],
  ['a count among others that is none', { counts: [1, 0] }],
  ['a null that is no count', { counts: null }],
])('%s is left to the long way', (_what, value) => {
  expect(compiledInput(Tree)?.(value)).toBeNull();
});

test('what is absent or null where it may be is skipped', () => {
  expect(compiledInput(Tree)?.({ leaves: null })).toEqual({ leaves: null });
  expect(compiledInput(Tree)?.({ counts: [1, 2] })).toEqual({ counts: [1, 2] });
});

test('a class with marks that change values is left to the long way', () => {
  class Trimmed {
    @Transform(({ value }: { value: unknown }) => String(value).trim())
    @IsString()
    name!: string;
  }
  class Numbered {
    @Type(() => Number)
    @IsInt()
    size!: number;
  }
  expect(compiledInput(Trimmed)).toBeNull();
  expect(compiledInput(Numbered)).toBeNull();
});

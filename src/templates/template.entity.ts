import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { TemplateReference } from '../content/app-message.js';
import type { TemplateContent } from '../content/template-content.js';

/** A message that is written beforehand, in one language or several, with gaps to fill in when it is sent. */
@Entity('templates')
export class Template {
  @PrimaryColumn('text')
  projectId!: string;

  /** The caller's choice, or an ULID. */
  @PrimaryColumn('text')
  id!: string;

  @Column('text', { default: '' })
  description!: string;

  /** Optimistic lock: counts the updates, from 1. */
  @Column('int', { default: 1 })
  version!: number;

  /** Language of the translation that is used when a message asks for none. */
  @Column('text')
  defaultTranslation!: string;

  /** Each version of a language once. One column, because they are written together and a message reads a single row. */
  @Column('jsonb')
  translations!: TemplateTranslation[];

  @Column('timestamptz', { default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamptz', { default: () => 'now()' })
  updatedAt!: Date;
}

export interface TemplateTranslation {
  /** BCP 47, as the caller spelt it. */
  languageCode: string;
  version: string;
  message: TemplateContent;
  variables: TemplateVariable[];
  channelTemplateOverrides: ChannelTemplateOverrides;
  /** ISO 8601. */
  createdAt: string;
  updatedAt: string;
}

export interface TemplateVariable {
  key: string;
  previewValue: string;
}

/** Channels with templates of their own: which of them to use there, and where it takes its parameters from. */
export type ChannelTemplateOverrides = Partial<Record<string, ChannelTemplateOverride>>;

export interface ChannelTemplateOverride {
  template_reference?: TemplateReference;
  /** Parameter of the channel's template to variable of ours. */
  parameter_mappings?: Record<string, string>;
}

import { Column, Entity, PrimaryColumn } from 'typeorm';

/** The tenant: everything else belongs to one. */
@Entity('projects')
export class Project {
  @PrimaryColumn('text')
  projectId!: string;

  @Column('text')
  displayName!: string;

  @Column('timestamptz', { default: () => 'now()' })
  createdAt!: Date;
}

/** A project's credential. The secret is random and long, so that a plain SHA-256 of it is enough; it is shown once. */
@Entity('access_keys')
export class AccessKey {
  @PrimaryColumn('text')
  projectId!: string;

  @PrimaryColumn('text')
  keyId!: string;

  /** SHA-256 of the secret, hex. */
  @Column('text')
  secretHash!: string;

  @Column('timestamptz', { default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamptz', { nullable: true })
  revokedAt!: Date | null;
}

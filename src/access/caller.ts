/** Who is calling: a project, by one of its access keys. */
export interface Caller {
  projectId: string;
  keyId: string;
}

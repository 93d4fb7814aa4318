import { Injectable } from '@nestjs/common';

/** What time it is for retries, pauses and signatures. */
@Injectable()
export class Clock {
  now(): Date {
    return new Date();
  }
}

import { Injectable } from '@nestjs/common';
import { invalid } from '../errors.js';
import type { ChannelPlugin } from './channel.js';

/** Which plug-in serves which channel. A plug-in registers itself while modules start. */
@Injectable()
export class ChannelRegistry {
  private readonly plugins = new Map<string, ChannelPlugin>();

  register(plugin: ChannelPlugin): void {
    if (this.plugins.has(plugin.channel)) throw new Error(`channel ${plugin.channel} has a plug-in already`);
    this.plugins.set(plugin.channel, plugin);
  }

  find(channel: string): ChannelPlugin | undefined {
    return this.plugins.get(channel);
  }

  /** @throws DomainError INVALID_ARGUMENT on `channel` when no plug-in serves it. */
  get(channel: string): ChannelPlugin {
    const plugin = this.plugins.get(channel);
    if (!plugin) {
      const known = [...this.plugins.keys()].join(', ');
      throw invalid('channel', 'supported', `channel ${channel} is not supported; supported: ${known}`);
    }
    return plugin;
  }
}

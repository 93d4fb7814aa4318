/** An operation as GraphiQL's tabs want it. */
interface Example {
  query: string;
  /** JSON. */
  variables: string;
}

const APP_ID = 'id of an app';

/** What GraphiQL opens with, a tab each; the variables are for the reader to fill in. */
export const EXAMPLES: readonly Example[] = [
  example(
    `# Your apps and their channels. Put a key of yours into the Headers tab below first.
query Apps {
  apps {
    edges {
      node {
        id
        displayName
        channels { id channel state }
      }
    }
  }
}`,
  ),
  example(
    `# A page of the inbox, latest activity first. Subscribe with its eventCursor to miss nothing.
query Inbox($appId: ID!, $after: String) {
  inbox(appId: $appId, filter: { status: OPEN }, first: 25, after: $after) {
    eventCursor
    edges {
      node {
        id
        contact { displayName }
        unreadCount
        lastActivity
        assignee
        labels
        lastMessage { direction status content { __typename ... on TextMessage { text } } }
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}`,
    { appId: APP_ID },
  ),
  example(
    `# A text to somebody who has written before. The answer comes once it is stored; its status follows as events.
mutation Send($input: SendMessageInput!) {
  sendMessage(input: $input) {
    messageId
    acceptedTime
    message { status }
  }
}`,
    {
      input: {
        appId: APP_ID,
        recipient: { contactId: 'id of a contact' },
        message: { textMessage: { text: 'Hello!' } },
      },
    },
  ),
  example(
    `# Everything that changes the inbox, live and in order. After a cut go on after the last cursor.
subscription Live($appId: ID!, $after: String) {
  inbox(appId: $appId, after: $after) {
    __typename
    ... on MessageAdded { cursor message { id direction content { __typename ... on TextMessage { text } } } }
    ... on MessageUpdated { cursor message { id status reason { code description } } }
    ... on ConversationUpdated { cursor conversation { id status unreadCount assignee } }
    ... on ContactUpdated { cursor contact { id displayName } }
    ... on TypingChanged { conversation { id } typing by }
    ... on ChannelUpdated { cursor channel { id state } }
  }
}`,
    { appId: APP_ID },
  ),
  example(
    `# What Messenger would be given for a message, without sending it.
query Preview($appId: ID!, $message: AppMessageInput!) {
  transcodeMessage(appId: $appId, message: $message, channels: [MESSENGER]) {
    channel
    payloads
    notes { field rule action }
  }
}`,
    {
      appId: APP_ID,
      message: {
        choiceMessage: {
          textMessage: { text: 'Shall we call you?' },
          choices: [{ textMessage: { text: 'Yes' } }, { textMessage: { text: 'No' } }],
        },
      },
    },
  ),
];

function example(query: string, variables: object = {}): Example {
  return { query, variables: JSON.stringify(variables, null, 2) };
}

// Every kind of content, as it is said, stored and shown.
type Json = Record<string, unknown>;

const PICTURE = 'https://example.com/hat.png';
export const PAGE = 'https://example.com/more';
export const times = (count: number, one: (index: number) => Json): Json[] =>
  Array.from({ length: count }, (_, i) => one(i));
export const replies = (count: number): Json[] =>
  times(count, (i) => ({ textMessage: { text: `Reply ${i}` }, postbackData: `r${i}` }));
const storedReplies = (count: number): Json[] =>
  times(count, (i) => ({ text_message: { text: `Reply ${i}` }, postback_data: `r${i}` }));
export const calendar = {
  title: 'Save the date',
  eventStart: '2026-12-01T09:00:00.000Z',
  eventEnd: '2026-12-01T10:30:00.500Z',
  eventTitle: 'Fitting',
  eventDescription: 'Bring your head',
  fallbackUrl: PAGE,
};
export const person = { name: { fullName: 'Ann Lee' }, phoneNumbers: [{ phoneNumber: '+46732000000' }] };

interface Said {
  what: string;
  /** As GraphQL takes it. */
  said: Json;
  /** As the Conversation API has it. */
  stored: Json;
  /** As GraphQL shows it, without what is null or empty; as it was said when left out. */
  shown?: Json;
}

export const SAID: Said[] = [
  { what: 'a text', said: { textMessage: { text: 'Hello' } }, stored: { text_message: { text: 'Hello' } } },
  {
    what: 'media',
    said: { mediaMessage: { url: PICTURE, thumbnailUrl: PAGE, filenameOverride: 'Hat.png' } },
    stored: { media_message: { url: PICTURE, thumbnail_url: PAGE, filename_override: 'Hat.png' } },
  },
  {
    what: 'every kind of choice',
    said: {
      choiceMessage: {
        textMessage: { text: 'Which?' },
        choices: [
          { textMessage: { text: 'Small' }, postbackData: 'size-s', displayMode: 'PERSISTENT' },
          { urlMessage: { title: 'Open', url: PAGE }, postbackData: 'a' },
          { callMessage: { title: 'Call', phoneNumber: '+46732000000' }, postbackData: 'b' },
          {
            locationMessage: {
              title: 'Visit',
              label: 'Here',
              coordinates: { latitude: 55.5, longitude: 13 },
            },
            postbackData: 'c',
          },
          { calendarMessage: calendar, postbackData: 'd' },
          { shareLocationMessage: { title: 'Where are you?', fallbackUrl: PAGE }, postbackData: 'e' },
        ],
      },
    },
    stored: {
      choice_message: {
        text_message: { text: 'Which?' },
        choices: [
          { text_message: { text: 'Small' }, postback_data: 'size-s', display_mode: 'PERSISTENT' },
          { url_message: { title: 'Open', url: PAGE }, postback_data: 'a' },
          { call_message: { title: 'Call', phone_number: '+46732000000' }, postback_data: 'b' },
          {
            location_message: {
              title: 'Visit',
              label: 'Here',
              coordinates: { latitude: 55.5, longitude: 13 },
            },
            postback_data: 'c',
          },
          {
            calendar_message: {
              title: 'Save the date',
              event_start: '2026-12-01T09:00:00Z',
              event_end: '2026-12-01T10:30:00.500Z',
              event_title: 'Fitting',
              event_description: 'Bring your head',
              fallback_url: PAGE,
            },
            postback_data: 'd',
          },
          { share_location_message: { title: 'Where are you?', fallback_url: PAGE }, postback_data: 'e' },
        ],
      },
    },
  },
  {
    what: 'ten choices',
    said: { choiceMessage: { choices: replies(10) } },
    stored: { choice_message: { choices: storedReplies(10) } },
  },
  {
    what: 'a card',
    said: {
      cardMessage: {
        title: 'Hat',
        description: 'Brown',
        mediaMessage: { url: PICTURE },
        choices: [{ textMessage: { text: 'Buy' }, postbackData: 'buy' }],
        height: 'TALL',
      },
    },
    stored: {
      card_message: {
        title: 'Hat',
        description: 'Brown',
        media_message: { url: PICTURE },
        choices: [{ text_message: { text: 'Buy' }, postback_data: 'buy' }],
        height: 'TALL',
      },
    },
  },
  {
    what: 'a card that is only a picture',
    said: { cardMessage: { mediaMessage: { url: PICTURE } } },
    stored: { card_message: { media_message: { url: PICTURE } } },
  },
  {
    what: 'a carousel with choices under it',
    said: {
      carouselMessage: {
        cards: [{ title: 'Hat', choices: replies(1) }, ...times(9, (i) => ({ title: `Card ${i}` }))],
        choices: replies(3),
      },
    },
    stored: {
      carousel_message: {
        cards: [{ title: 'Hat', choices: storedReplies(1) }, ...times(9, (i) => ({ title: `Card ${i}` }))],
        choices: storedReplies(3),
      },
    },
  },
  {
    what: 'a list of choices',
    said: {
      listMessage: {
        title: 'Menu',
        description: 'Of today',
        media: { url: PICTURE },
        sections: [
          {
            title: 'Starters',
            items: [
              {
                choice: { title: 'Soup', description: 'Hot', media: { url: PICTURE }, postbackData: 'soup' },
              },
              { choice: { title: 'Salad', postbackData: 'x' } },
            ],
          },
          { items: [{ choice: { title: 'Cake', postbackData: 'x' } }] },
        ],
        messageProperties: { menu: 'Choose' },
      },
    },
    stored: {
      list_message: {
        title: 'Menu',
        description: 'Of today',
        media: { url: PICTURE },
        sections: [
          {
            title: 'Starters',
            items: [
              {
                choice: { title: 'Soup', description: 'Hot', media: { url: PICTURE }, postback_data: 'soup' },
              },
              { choice: { title: 'Salad', postback_data: 'x' } },
            ],
          },
          { items: [{ choice: { title: 'Cake', postback_data: 'x' } }] },
        ],
        message_properties: { menu: 'Choose' },
      },
    },
  },
  {
    what: 'a list of products',
    said: {
      listMessage: {
        title: 'Hats',
        sections: [
          {
            items: [
              {
                product: { id: 'p1', marketplace: 'FACEBOOK', quantity: 2, itemPrice: 9.5, currency: 'EUR' },
              },
              { product: { id: 'p2', marketplace: 'FACEBOOK' } },
            ],
          },
        ],
        messageProperties: { catalogId: 'c1' },
      },
    },
    stored: {
      list_message: {
        title: 'Hats',
        sections: [
          {
            items: [
              {
                product: { id: 'p1', marketplace: 'FACEBOOK', quantity: 2, item_price: 9.5, currency: 'EUR' },
              },
              { product: { id: 'p2', marketplace: 'FACEBOOK' } },
            ],
          },
        ],
        message_properties: { catalog_id: 'c1' },
      },
    },
  },
  {
    what: 'a place where equator and meridian meet',
    said: {
      locationMessage: { title: 'Null Island', label: 'At sea', coordinates: { latitude: 0, longitude: 0 } },
    },
    stored: {
      location_message: { title: 'Null Island', label: 'At sea', coordinates: { latitude: 0, longitude: 0 } },
    },
  },
  {
    what: 'contact info with everything',
    said: {
      contactInfoMessage: {
        name: {
          fullName: 'Dr. Ann Bo Lee Jr.',
          firstName: 'Ann',
          lastName: 'Lee',
          middleName: 'Bo',
          prefix: 'Dr.',
          suffix: 'Jr.',
        },
        phoneNumbers: [{ phoneNumber: '+46732000000', type: 'WORK' }, { phoneNumber: '46732000001' }],
        addresses: [
          {
            city: 'Malmö',
            country: 'Sweden',
            state: 'Skåne',
            street: 'Storgatan 1',
            zip: '21142',
            type: 'HOME',
            countryCode: 'SE',
          },
        ],
        emailAddresses: [{ emailAddress: 'ann@example.com', type: 'WORK' }],
        organization: { company: 'Hats', department: 'Brims', title: 'Maker' },
        urls: [{ url: PAGE, type: 'ORG' }],
        birthday: '1984-02-29',
      },
    },
    stored: {
      contact_info_message: {
        name: {
          full_name: 'Dr. Ann Bo Lee Jr.',
          first_name: 'Ann',
          last_name: 'Lee',
          middle_name: 'Bo',
          prefix: 'Dr.',
          suffix: 'Jr.',
        },
        phone_numbers: [{ phone_number: '+46732000000', type: 'WORK' }, { phone_number: '46732000001' }],
        addresses: [
          {
            city: 'Malmö',
            country: 'Sweden',
            state: 'Skåne',
            street: 'Storgatan 1',
            zip: '21142',
            type: 'HOME',
            country_code: 'SE',
          },
        ],
        email_addresses: [{ email_address: 'ann@example.com', type: 'WORK' }],
        organization: { company: 'Hats', department: 'Brims', title: 'Maker' },
        urls: [{ url: PAGE, type: 'ORG' }],
        birthday: '1984-02-29',
      },
    },
  },
  {
    what: 'a template with one for a channel',
    said: {
      templateMessage: {
        omniTemplate: {
          templateId: 'greeting',
          version: 'latest',
          languageCode: 'en-US',
          parameters: [{ key: 'first_name', value: 'Ann' }],
        },
        channelTemplate: [
          { channel: 'WHATSAPP', templateId: 'hello', parameters: [{ key: 'body[1]text', value: '' }] },
        ],
      },
    },
    stored: {
      template_message: {
        omni_template: {
          template_id: 'greeting',
          version: 'latest',
          language_code: 'en-US',
          parameters: { first_name: 'Ann' },
        },
        channel_template: { WHATSAPP: { template_id: 'hello', parameters: { 'body[1]text': '' } } },
      },
    },
    shown: {
      templateMessage: {
        omniTemplate: {
          templateId: 'greeting',
          version: 'latest',
          languageCode: 'en-US',
          parameters: [{ key: 'first_name', value: 'Ann' }],
        },
        channelTemplate: [{ channel: 'WHATSAPP', templateId: 'hello', parameters: [{ key: 'body[1]text' }] }],
      },
    },
  },
  {
    what: 'raw payloads, by whom',
    said: {
      explicitChannelMessage: [{ channel: 'MESSENGER', payload: '{"text":"raw"}' }],
      agent: { type: 'HUMAN', displayName: 'Ann', pictureUrl: PICTURE },
    },
    stored: {
      explicit_channel_message: { MESSENGER: '{"text":"raw"}' },
      agent: { type: 'HUMAN', display_name: 'Ann', picture_url: PICTURE },
    },
    shown: { explicitChannelMessage: { payloads: { MESSENGER: '{"text":"raw"}' } } },
  },
  {
    what: 'content that only one channel has',
    said: {
      channelSpecificMessage: [
        {
          channel: 'MESSENGER',
          messageType: 'RECEIPT',
          message: { orderNumber: '1', snake_case: [1.5, true, { eventStart: 'x' }] },
        },
      ],
    },
    stored: {
      channel_specific_message: {
        MESSENGER: {
          message_type: 'RECEIPT',
          message: { orderNumber: '1', snake_case: [1.5, true, { eventStart: 'x' }] },
        },
      },
    },
    shown: {
      channelSpecificMessage: {
        messages: [
          {
            channel: 'MESSENGER',
            messageType: 'RECEIPT',
            message: { orderNumber: '1', snake_case: [1.5, true, { eventStart: 'x' }] },
          },
        ],
      },
    },
  },
  {
    what: 'other content for some channels, and none for the rest',
    said: {
      explicitChannelOmniMessage: [
        {
          channel: 'MESSENGER',
          message: { choiceMessage: { choices: [{ calendarMessage: calendar, postbackData: 'd' }] } },
        },
        {
          channel: 'WHATSAPP',
          message: { templateReference: { templateId: 't', parameters: [{ key: 'a_b', value: 'c' }] } },
        },
      ],
    },
    stored: {
      explicit_channel_omni_message: {
        MESSENGER: {
          choice_message: {
            choices: [
              {
                calendar_message: {
                  title: 'Save the date',
                  event_start: '2026-12-01T09:00:00Z',
                  event_end: '2026-12-01T10:30:00.500Z',
                  event_title: 'Fitting',
                  event_description: 'Bring your head',
                  fallback_url: PAGE,
                },
                postback_data: 'd',
              },
            ],
          },
        },
        WHATSAPP: { template_reference: { template_id: 't', parameters: { a_b: 'c' } } },
      },
    },
    shown: {
      explicitChannelOmniMessage: {
        contents: [
          { channel: 'WHATSAPP', content: { __typename: 'TemplateMessage' } },
          { channel: 'MESSENGER', content: { __typename: 'ChoiceMessage' } },
        ],
      },
    },
  },
  {
    what: 'a text with an override of every kind',
    said: {
      textMessage: { text: 'Hello' },
      explicitChannelMessage: [{ channel: 'SMS', payload: '{}' }],
      channelSpecificMessage: [{ channel: 'LINE', messageType: 'X', message: { a: null } }],
      explicitChannelOmniMessage: [{ channel: 'MESSENGER', message: { textMessage: { text: 'Hi' } } }],
    },
    stored: {
      text_message: { text: 'Hello' },
      explicit_channel_message: { SMS: '{}' },
      channel_specific_message: { LINE: { message_type: 'X', message: { a: null } } },
      explicit_channel_omni_message: { MESSENGER: { text_message: { text: 'Hi' } } },
    },
    shown: { textMessage: { text: 'Hello' } },
  },
];

import { z } from 'zod';
import { durationHint, durationPattern } from './duration.js';

export const duration = z.string().regex(durationPattern, durationHint);
export const template = z.json().describe('JSON whose texts may hold ${{ expressions }}.');
export const expression = z.string().describe('One ${{ expression }}.');
